//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"time"

	"github.com/atelier-go/atelier/pkg/gallery"
	"github.com/atelier-go/atelier/pkg/store"
)

// An operation is a request or a task whose costs must not grow with the number of jobs.
type operation struct {
	name    string
	times   int                                               // how often it is measured in each directory
	prepare func(ctx context.Context, t *target, n int) error // before each measurement, not measured; can be nil
	do      func(ctx context.Context, t *target, n int) error
}

// operations returns all operations. Those that leave unfinished jobs behind are the last.
func operations() []operation {
	get := func(path string) func(context.Context, *target, int) error {
		return func(ctx context.Context, t *target, n int) error {
			_, err := t.client.get(ctx, n%t.Owners, path)
			return err
		}
	}
	return []operation{
		{"a sweep", 5, func(ctx context.Context, t *target, _ int) error {
			return pause(ctx, sweepEvery) // until this process may sweep again
		}, func(ctx context.Context, t *target, _ int) error { return t.sweep(ctx) }},
		{"an update of the gallery, for one new picture", 10, newPicture, func(ctx context.Context, t *target, n int) error {
			_, err := t.gallery.UpdateFolders(ctx, t.store, t.news())
			return err
		}},
		{"metrics (GET /metrics)", 100, nil, func(ctx context.Context, t *target, _ int) error {
			_, err := t.client.get(ctx, t.Owners, "/metrics")
			return err
		}},
		{"a poll (GET /v1/jobs/ID)", 500, nil, func(ctx context.Context, t *target, n int) error {
			i := rand.New(rand.NewPCG(1, uint64(n))).IntN(t.Jobs) //nolint:gosec // not for secrets
			_, err := t.client.get(ctx, i%t.Owners, "/v1/jobs/"+string(t.id(i)))
			return err
		}},
		{"a page of an owner's jobs (GET /v1/jobs)", 100, nil, get("/v1/jobs")},
		{"a page of public jobs (GET /v1/gallery)", 100, nil, get("/v1/gallery")},
		{"an owner's first submission in a day, which counts the day's jobs", 5, nil, func(ctx context.Context, t *target, n int) error {
			return t.submit(ctx, (1+n)%t.Owners) // the target has already submitted for the first owner
		}},
		{"a submission (POST /v1/jobs)", 500, nil, func(ctx context.Context, t *target, _ int) error { return t.submit(ctx, 0) }},
	}
}

func (t *target) submit(ctx context.Context, owner int) error {
	id, err := t.client.submit(ctx, owner, "")
	if err == nil {
		t.made = append(t.made, id)
	}
	return err
}

// newPicture makes one more public job that has succeeded.
func newPicture(ctx context.Context, t *target, _ int) error {
	p, err := newPictures()
	if err != nil {
		return err
	}
	id, err := t.store.NewID()
	if err != nil {
		return err
	}
	t.newest, t.made = id, append(t.made, id)
	return finish(ctx, t.store, id, ownerName(0), true, p)
}

// erase erases the jobs that were made in addition to the generated ones.
func (t *target) erase() error {
	for _, id := range t.made {
		if err := t.store.Erase(id, store.Erased); err != nil {
			return err
		}
	}
	t.made = nil
	return nil
}

// news returns the gallery's folders in which the newest picture is.
func (t *target) news() []string {
	var published []string
	for _, name := range store.Published(t.newest, "jpeg", true) {
		published = append(published, path.Dir(name))
	}
	return gallery.FoldersOf(published)
}

// A cost is what an operation takes in a directory: of one measurement, or the medians of several.
type cost struct {
	calls, requests int64
	took            time.Duration
}

// A comparison is an operation's costs in the small and the large directory.
type comparison struct {
	name         string
	times        int
	small, large cost
}

// ratio returns the time in the large directory divided by that in the small one.
func (c comparison) ratio() float64 { return float64(c.large.took) / float64(c.small.took) }

// compare measures all operations in two directories in turn. It erases the jobs that it has made, even if it fails or
// ctx ends.
func compare(ctx context.Context, small, large *target, show func(string)) (all []comparison, err error) {
	defer func() { err = errors.Join(err, small.erase(), large.erase()) }()
	for _, t := range []*target{small, large} {
		show(fmt.Sprintf("making the gallery of %d jobs", t.Jobs))
		if err := t.settle(ctx); err != nil {
			return nil, err
		}
		if _, err := t.gallery.Update(ctx, t.store); err != nil {
			return nil, err
		}
	}
	for _, op := range operations() {
		show(op.name)
		var costs [2][]cost
		for n := range op.times + 1 {
			for i, t := range []*target{small, large} {
				c, err := op.measure(ctx, t, n)
				if err != nil {
					return nil, fmt.Errorf("%s, with %d jobs: %w", op.name, t.Jobs, err)
				}
				if n > 0 { // the first call fills caches
					costs[i] = append(costs[i], c)
				}
			}
		}
		all = append(all, comparison{op.name, op.times, typical(costs[0]), typical(costs[1])})
	}
	return all, nil
}

func (op operation) measure(ctx context.Context, t *target, n int) (c cost, err error) {
	if op.prepare != nil {
		if err := op.prepare(ctx, t, n); err != nil {
			return c, err
		}
	}
	calls, requests, began := t.calls.Load(), t.requests.Load(), time.Now()
	err = op.do(ctx, t, n)
	return cost{t.calls.Load() - calls, t.requests.Load() - requests, time.Since(began)}, err
}

// typical returns the medians of some costs.
func typical(all []cost) cost {
	return cost{
		median(all, func(c cost) int64 { return c.calls }),
		median(all, func(c cost) int64 { return c.requests }),
		time.Duration(median(all, func(c cost) int64 { return int64(c.took) })),
	}
}

func median[T any](all []T, of func(T) int64) int64 {
	values := make([]int64, len(all))
	for i, x := range all {
		values[i] = of(x)
	}
	slices.Sort(values)
	if len(values) == 0 {
		return 0
	}
	return values[len(values)/2]
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
