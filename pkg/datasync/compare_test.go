package datasync

import (
	"errors"
	"strconv"
	"testing"

	"github.com/atelier-go/atelier/pkg/bucket"
)

// Of the errors of several parts the one is returned after which the scan compares their folders
// again, whichever was first.
func TestErrorOfParts(t *testing.T) {
	unread := errors.New("a folder can't be read")
	for _, test := range []struct {
		name              string
		first, last, want error
	}{
		{"a folder, then the bucket", unread, bucket.ErrUnavailable, bucket.ErrUnavailable},
		{"the bucket, then a folder", bucket.ErrUnavailable, unread, bucket.ErrUnavailable},
		{"a folder, then more objects", unread, errUnfinished, errUnfinished},
		{"more objects, then a folder", errUnfinished, unread, errUnfinished},
		{"more objects, then the bucket", errUnfinished, bucket.ErrUnavailable, bucket.ErrUnavailable},
		{"the bucket, then more objects", bucket.ErrUnavailable, errUnfinished, bucket.ErrUnavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			var parts []part
			for i := range maxComparisons + 1 {
				err := test.first
				if i == maxComparisons { // it begins after one of the others has ended
					err = test.last
				}
				parts = append(parts, part{
					folders: []string{strconv.Itoa(i)},
					listing: func(yield func(bucket.Object, error) bool) { yield(bucket.Object{}, err) },
				})
			}
			if _, _, err := new(Copier).compareParts(t.Context(), parts); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}
