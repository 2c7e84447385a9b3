//go:build !linux && !darwin

package keyring

import (
	"io/fs"
	"time"
)

// changeTime returns the zero time: the change time is not available on this system.
func changeTime(fs.FileInfo) time.Time { return time.Time{} }
