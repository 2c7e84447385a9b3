package datasync

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// A Mark stands for the names in a directory's tree, as of when it was taken.
type Mark string

// settling is how long ago a folder must have changed before its time tells it
// from a later change: file systems count in ticks of some milliseconds.
const settling = time.Second

// Look takes the mark of what the task copies, by the times of its folders alone:
// a fraction of what an execution costs. Two that are equal mean that nothing was
// added or removed between; an empty one equals none.
func (t *Task) Look() (Mark, error) {
	began := time.Now()
	settled := true
	hash := sha256.New()
	err := filepath.WalkDir(t.From, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path != t.From {
			settled = false
			return nil
		}
		if err != nil || !d.IsDir() {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		settled = settled && began.Sub(info.ModTime()) > settling
		fmt.Fprintln(hash, path, info.ModTime().UnixNano())
		return nil
	})
	if err != nil || !settled {
		return "", err
	}
	return Mark(hash.Sum(nil)), nil
}
