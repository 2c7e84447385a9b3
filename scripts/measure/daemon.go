package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/scripts/measure/photograph"
)

const daemonHelp = `How much of the engine's speed the pipeline preserves. The same photographs go through

  bare      a loop of decode, stylise and encode in memory, with as many pictures at
            once and as many threads as the daemon
  private   the daemon's worker and poll loop on a real directory: when the clock
            starts, the jobs are durable and announced on a queue in memory; it stops
            when the last outcome is durable
  public    the same with public jobs, as the API makes them without keys

and the result is each round's ratio to the bare loop. If it is low, compare the processor
time of a picture ("CPU of one"): the rest of the difference is waiting for the disk.`

// daemon compares the worker with a bare loop.
func daemon(ctx context.Context, s *session) (string, error) {
	type kind struct{ w, h, images int }
	kinds := pick(s, []kind{{400, 300, 160}, {512, 512, 100}, {1024, 1024, 30}}, []kind{{64, 48, 6}})
	sides := func(k kind) []side[work] {
		t := task{Model: s.Model, Samples: s.Samples, Width: k.w, Height: k.h, Images: k.images, Decoder: s.decoder()}
		worker := func(public bool) func(context.Context) (work, error) {
			return func(ctx context.Context) (w work, err error) {
				t := t
				t.Public = public
				if t.Dir, err = s.folder(); err != nil {
					return w, err
				}
				return ask[work](ctx, "worker", t)
			}
		}
		return []side[work]{
			{"bare", func(ctx context.Context) (work, error) { return ask[work](ctx, "bare", t) }},
			{"private", worker(false)}, {"public", worker(true)},
		}
	}
	s.expect(len(kinds) * s.Rounds * 3)
	rows := [][]string{{"size", "jobs", "images", "bare loop, images/s", "worker, images/s", "ratio", "goal", "", "CPU of one, bare", "worker"}}
	for _, k := range kinds {
		sides := sides(k)
		all, err := inTurn(ctx, s, size(k.w, k.h), sides...)
		if err != nil {
			return "", err
		}
		for i := 1; i < len(sides); i++ {
			ratio := compare(all[i], all[0], func(a, b work) float64 { return a.PerSecond / b.PerSecond })
			rate := func(w work) float64 { return w.PerSecond }
			cpu := func(w work) float64 { return w.CPU }
			rows = append(rows, slices.Concat([]string{
				size(k.w, k.h), sides[i].name, fmt.Sprint(k.images),
				each(all[0], rate).show("%.2f"), each(all[i], rate).show("%.2f"), ratio.show("%.3f"),
			}, atLeast(0.9, ratio.median), []string{ms(each(all[0], cpu).median), ms(each(all[i], cpu).median)}))
		}
	}
	c := model.DefaultConcurrent()
	return fmt.Sprintf("%d pictures at once, %d threads each; photographs, JPEG to JPEG. Median of the rounds (least..most).\n\n%s", c, model.DefaultThreads(c), table(rows...)), nil
}

// workAlone runs the worker's side of the comparison.
func workAlone(ctx context.Context, t task, out io.Writer) error {
	b, err := openBench(ctx, t)
	if err != nil {
		return err
	}
	if b.photos, err = photograph.All(t.Samples, t.Width, t.Height); err != nil {
		return err
	}
	warm, err := b.submit(warmUp(b.at), longest)
	if err != nil {
		return err
	}
	jobs, err := b.submit(t.Images, longest)
	if err != nil {
		return err
	}
	if _, err := b.work(ctx, warm); err != nil {
		return err
	}
	busy := familyTime()
	took, err := b.work(ctx, jobs)
	spent := familyTime() - busy
	if err = errors.Join(err, b.done()); err != nil {
		return err
	}
	n := float64(t.Images)
	return answer(out, work{PerSecond: n / took.Seconds(), CPU: spent.Seconds() / n})
}
