//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/atelier-go/atelier/pkg/store"
)

// A plan says which jobs a generated directory has. It is stored beside the directory.
type plan struct {
	day
	Owners int  `json:"owners"`
	Public int  `json:"public"` // every nth job of an owner is public; 0: none
	Share  int  `json:"share"`  // number of jobs that share the files of their pictures, by hard links
	Done   int  `json:"done"`   // how many jobs are complete
	Spent  bool `json:"spent"`  // the retention has removed some of them
}

// A generated is a shared directory with the jobs of a plan, which are complete or are being made.
type generated struct {
	plan
	dir string // of the shared directory and the plan
}

func (g *generated) shared() string { return filepath.Join(g.dir, "shared") }
func (g *generated) note() string   { return filepath.Join(g.dir, "plan.json") }

// owner returns the owner of job number i.
func (p plan) owner(i int) string { return ownerName(i % p.Owners) }

func ownerName(n int) string { return fmt.Sprintf("owner-%03d", n) }

func (p plan) isPublic(i int) bool { return p.Public > 0 && i/p.Owners%p.Public == 0 }

// open reads the plan in a folder, so that its generation continues, or begins a new one in an empty folder. It is an
// error if the folder has another plan, or if jobs were removed from it.
func (p plan) open(dir string) (*generated, error) {
	g := &generated{plan: p, dir: dir}
	b, err := os.ReadFile(g.note())
	if errors.Is(err, fs.ErrNotExist) {
		return g, errors.Join(os.MkdirAll(g.shared(), 0o750), g.save())
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &g.plan); err != nil {
		return nil, fmt.Errorf("%s: %w", g.note(), err)
	}
	p.Start, p.Done = g.Start, g.Done
	if p != g.plan {
		return nil, fmt.Errorf("%s has other jobs, or some were removed: remove it with 'rm -rf %s', or use another --dir", dir, dir)
	}
	return g, nil
}

func (g *generated) save() error {
	b, err := json.Marshal(g.plan)
	if err != nil {
		return err
	}
	tmp := g.note() + ".new"
	return errors.Join(os.WriteFile(tmp, b, 0o600), os.Rename(tmp, g.note()))
}

// chunk is the number of jobs after which the progress is stored.
const chunk = 10_000

// generate makes the jobs that are missing. It can be interrupted at any moment, and called again. show is called
// before the first of them is made, and then after each chunk.
func (g *generated) generate(ctx context.Context, show func(done, of int)) error {
	st, err := store.Open(store.Config{Dir: g.shared()}) // makes the folders at the top
	if err != nil {
		return err
	}
	if err := st.Close(); err != nil || g.Done == g.Jobs {
		return err
	}
	templates, err := g.templates(ctx)
	if err != nil {
		return err
	}
	if err := g.room(templates[ownerName(0)][0]); err != nil {
		return err
	}
	show(g.Done, g.Jobs)
	for g.Done < g.Jobs {
		from, to := g.Done, min(g.Done+chunk, g.Jobs)
		if err := g.jobs(ctx, from, to, templates); err != nil {
			return fmt.Errorf("generate jobs %d to %d: %w", from, to, err)
		}
		g.Done = to
		show(g.Done, g.Jobs)
		if err := g.save(); err != nil {
			return err
		}
	}
	return nil
}

// templates returns two templates for each owner: of its private jobs, and of its public ones.
func (g *generated) templates(ctx context.Context) (all map[string][2]*template, err error) {
	p, err := newPictures()
	if err != nil {
		return nil, err
	}
	all = map[string][2]*template{}
	for n := range g.Owners {
		var both [2]*template
		for i := range both {
			if both[i], err = newTemplate(ctx, ownerName(n), i == 1, p); err != nil {
				return nil, fmt.Errorf("make a job: %w", err)
			}
		}
		all[ownerName(n)] = both
	}
	return all, nil
}

// jobs makes the jobs number from to to-1, in several goroutines. As far as possible they write to different folders,
// since changes in one folder wait for each other.
func (g *generated) jobs(ctx context.Context, from, to int, templates map[string][2]*template) error {
	var all sync.WaitGroup
	errs := make([]error, 2*runtime.GOMAXPROCS(0))
	for w := range errs {
		first, last := from+(to-from)*w/len(errs), from+(to-from)*(w+1)/len(errs)
		all.Go(func() {
			kinds := map[*template]*shares{}
			for i := first; i < last && ctx.Err() == nil && errs[w] == nil; i++ {
				t := templates[g.owner(i)][0]
				if g.isPublic(i) {
					t = templates[g.owner(i)][1]
				}
				if kinds[t] == nil {
					kinds[t] = new(shares)
				}
				errs[w] = g.job(i, t, kinds[t])
			}
		})
	}
	all.Wait()
	return errors.Join(errors.Join(errs...), ctx.Err())
}

// shares are the files that the next jobs of a kind share.
type shares struct {
	paths []string // by the file's number in the template; "": none yet
	jobs  int      // how many jobs have them
}

// job makes job number i, with files of the jobs before where those are shared.
func (g *generated) job(i int, t *template, with *shares) error {
	id := g.id(i)
	if with.jobs >= g.Share {
		*with = shares{}
	}
	if with.paths == nil {
		with.paths = make([]string, len(t.files))
	}
	paths := make([]string, len(t.files))
	for n := range t.files {
		f := &t.files[n]
		paths[n] = filepath.Join(g.shared(), t.place(f, id))
		from := ""
		switch {
		case f.sameAs != n:
			from = paths[f.sameAs]
		case f.fixed:
			from = with.paths[n]
		}
		if err := writeOrLink(paths[n], from, func() []byte { return t.content(f, id) }, f.mode); err != nil {
			return err
		}
		if f.fixed && f.sameAs == n && g.Share > 1 && with.paths[n] == "" {
			with.paths[n] = paths[n]
		}
	}
	with.jobs++
	return nil
}

// writeOrLink makes a file: with the content, or as a link to from if that is not "". It replaces a file that an
// interrupted generation has left.
func writeOrLink(path, from string, content func() []byte, mode fs.FileMode) error {
	err := createOrLink(path, from, content, mode)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(path), 0o750); err == nil {
			err = createOrLink(path, from, content, mode)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		if err = os.Remove(path); err == nil {
			err = createOrLink(path, from, content, mode)
		}
	}
	return err
}

func createOrLink(path, from string, content func() []byte, mode fs.FileMode) error {
	if from != "" {
		return os.Link(from, path)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content())
	return errors.Join(err, f.Close())
}
