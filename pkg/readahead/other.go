//go:build !linux

package readahead

import "errors"

// Start is supported only on Linux.
func Start(string, int64) (int64, error) { return 0, errors.ErrUnsupported }

// ListTouched is supported only on Linux.
func ListTouched(string) (List, error) { return List{}, errors.ErrUnsupported }
