//go:build !linux

package readahead

import "errors"

// Start only works on Linux.
func Start(string, int64) (int64, error) { return 0, errors.ErrUnsupported }

// Touched only works on Linux.
func Touched(string) (List, error) { return List{}, errors.ErrUnsupported }
