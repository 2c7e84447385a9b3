package sweeper

import (
	"errors"
	"fmt"
	"slices"

	"github.com/atelier-go/atelier/pkg/job"
)

// An errorList collects the first errors of many jobs, and counts the rest.
type errorList struct {
	errs             []error
	omitted          int
	storeUnavailable bool // the store is unavailable, so all other jobs will fail the same way
}

const maxErrors = 10

func (f *errorList) add(err error) {
	f.storeUnavailable = f.storeUnavailable || errors.Is(err, job.ErrStoreUnavailable)
	switch {
	case err == nil:
	case len(f.errs) < maxErrors:
		f.errs = append(f.errs, err)
	default:
		f.omitted++
	}
}

func (f *errorList) join() error {
	if f.omitted == 0 {
		return errors.Join(f.errs...)
	}
	return errors.Join(append(slices.Clone(f.errs), fmt.Errorf("and %d more errors", f.omitted))...)
}
