package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"
)

// start measures what a cold process costs: from exec to the first finished
// image, libraries and model being in the page cache.
func start(ctx context.Context, o options) (section, error) {
	runs := 10
	if o.Quick {
		runs = 3
	}
	var took []time.Duration
	for i := range runs + 1 {
		d, err := startOnce(ctx, task{Model: o.Model, Width: 256, Height: 256})
		if err != nil {
			return section{}, err
		}
		if i > 0 { // the first one fills the page cache
			took = append(took, d)
		}
	}
	slices.Sort(took)
	return section{
		title: "Process start to first image, 256 x 256",
		text: table(
			[]string{"runs", "fastest", "median", "slowest"},
			[]string{fmt.Sprint(runs), seconds(took[0]), seconds(median(took)), seconds(took[len(took)-1])}),
	}, nil
}

func startOnce(ctx context.Context, t task) (time.Duration, error) {
	cmd, said, err := child(ctx, "first-image", t)
	if err != nil {
		return 0, err
	}
	done, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	_, readErr := io.ReadFull(done, make([]byte, 1))
	took := time.Since(began)
	if err := cmd.Wait(); err != nil {
		return 0, fmt.Errorf("%w: %s", err, said)
	}
	return took, readErr
}

// firstImage says a byte when the image is there.
func firstImage(ctx context.Context, t task, out io.Writer) error {
	m, err := load(t)
	if err != nil {
		return err
	}
	if _, err := m.Stylize(ctx, named(photo(t.Width, t.Height), 0)); err != nil {
		return err
	}
	_, err = io.WriteString(out, "!")
	return err
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f s", d.Seconds()) }

// median is the middle of a sorted list.
func median[T any](sorted []T) T { return sorted[len(sorted)/2] }
