package keyring

import (
	"io/fs"
	"syscall"
	"time"
)

// changeTime returns when a file's content or attributes last changed; the zero time if that is unknown.
func changeTime(info fs.FileInfo) time.Time {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(s.Ctim.Unix())
	}
	return time.Time{}
}
