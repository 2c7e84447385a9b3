package sweeper

import (
	"errors"
	"fmt"
	"sync"
)

// mishaps are errors of many jobs, of which a few are kept and the others counted.
type mishaps struct {
	mu   sync.Mutex
	kept []error
	more int
}

const mostKept = 10

func (m *mishaps) add(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case err == nil:
	case len(m.kept) < mostKept:
		m.kept = append(m.kept, err)
	default:
		m.more++
	}
}

func (m *mishaps) err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	err := errors.Join(m.kept...)
	if m.more > 0 {
		err = fmt.Errorf("%w\nand %d more errors", err, m.more)
	}
	return err
}
