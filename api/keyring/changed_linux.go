package keyring

import (
	"io/fs"
	"syscall"
	"time"
)

// changed is when a file's content or attributes changed last; zero where that is unknown.
func changed(info fs.FileInfo) time.Time {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(s.Ctim.Unix())
	}
	return time.Time{}
}
