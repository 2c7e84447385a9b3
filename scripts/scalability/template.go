//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// A template is a finished job of an owner, as the store has made it. Its copies differ in ids and times.
type template struct {
	id    job.ID // in the folder of a second
	files []templateFile
}

// A templateFile is a file of a template's job.
type templateFile struct {
	path   string // relative to the shared directory
	sameAs int    // number of an earlier file to which this one is a hard link; its own number if there is none
	parts  []part // its content
	fixed  bool   // the content is the same in all copies
	mode   fs.FileMode
}

// A part is a text, followed by the job's id, by a time, or by nothing.
type part struct {
	text []byte
	id   bool
	at   time.Time // zero: no time
}

// newTemplate makes and finishes a job with the store, in a temporary directory, and reads its files.
func newTemplate(ctx context.Context, owner string, public bool, p pictures) (_ *template, err error) {
	dir, err := os.MkdirTemp("", "template")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	st, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		return nil, err
	}
	defer st.Close()
	id, err := job.NewIDIn(job.Second)
	if err != nil {
		return nil, err
	}
	if err := finish(ctx, st, id, owner, public, p); err != nil {
		return nil, err
	}
	t := &template{id: id}
	return t, t.read(dir)
}

// finish makes a job, and completes it as a worker does.
func finish(ctx context.Context, st *store.Store, id job.ID, owner string, public bool, p pictures) error {
	spec := &job.Spec{
		ID: id, Owner: owner, Style: styleName, Strength: 1, Size: 512, Format: "jpeg", Quality: 90, Public: public,
		CreatedAt: id.Time(), Input: job.Input{Format: "png", Width: p.width, Height: p.height},
	}
	if err := st.Create(spec, p.submitted, nil); err != nil {
		return err
	}
	lease, err := st.Claim(ctx, id, 1, "generator")
	if err != nil {
		return err
	}
	if err := lease.StorePreview(p.result); err != nil {
		return err
	}
	return lease.Succeed(p.result, p.thumbnail, job.Result{Width: p.width, Height: p.height}, job.Receipt{Worker: "generator", Engine: "none", Model: "none"})
}

var recordTime = regexp.MustCompile(`"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z"`)

// read reads the job's files, which have its id in their paths. Other files belong to the directory.
func (t *template) read(dir string) error {
	inodes := map[uint64]int{}
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.Contains(path, string(t.id)) {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		f := templateFile{path: rel, sameAs: len(t.files), mode: info.Mode().Perm()}
		inode := info.Sys().(*syscall.Stat_t).Ino
		if first, known := inodes[inode]; known {
			f.sameAs = first
		} else {
			inodes[inode] = f.sameAs
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			f.parts, f.fixed = t.split(b)
		}
		t.files = append(t.files, f)
		return nil
	})
}

// split divides a file's content after each id of the job and each time.
func (t *template) split(b []byte) (parts []part, fixed bool) {
	for {
		at, id := recordTime.FindIndex(b), bytes.Index(b, []byte(t.id))
		switch {
		case id >= 0 && (at == nil || id < at[0]):
			parts = append(parts, part{text: b[:id], id: true})
			b = b[id+len(t.id):]
		case at != nil:
			when, err := time.Parse(time.RFC3339Nano, string(b[at[0]+1:at[1]-1]))
			if err != nil {
				parts = append(parts, part{text: b[:at[1]]})
			} else {
				parts = append(parts, part{text: b[:at[0]], at: when})
			}
			b = b[at[1]:]
		default:
			return append(parts, part{text: b}), len(parts) == 0
		}
	}
}

// content returns the content that a file has in the copy with this id. Times are moved by the difference of the ids'
// times.
func (t *template) content(f *templateFile, id job.ID) []byte {
	later := id.Time().Sub(t.id.Time())
	var b []byte
	for _, p := range f.parts {
		b = append(b, p.text...)
		switch {
		case p.id:
			b = append(b, id...)
		case !p.at.IsZero():
			b = fmt.Appendf(b, "%q", p.at.Add(later).Format(time.RFC3339Nano))
		}
	}
	return b
}

// minuteLength is the length of the folder of a minute, which is the finest in the owners' index.
const minuteLength = len("2006/01/02/15/04")

// place returns the path that a file has in the copy with this id.
func (t *template) place(f *templateFile, id job.ID) string {
	own, other := t.id.Folder()+"/", id.Folder()+"/"
	minute, otherMinute := own[:minuteLength]+"/", id.Folder()[:min(len(other)-1, minuteLength)]+"/"
	path := f.path
	if strings.Contains(path, own) {
		path = strings.Replace(path, own, other, 1)
	} else {
		path = strings.Replace(path, minute, otherMinute, 1)
	}
	return strings.ReplaceAll(path, string(t.id), string(id))
}
