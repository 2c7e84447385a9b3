package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/atelier-go/atelier/scripts/measure/cgroup"
)

const lambdaHelp = `The speed of a Lambda function's share of this machine: processes in a control group
with the memory of a function and its share of the processors (one vCPU for each
1,769 MB), painting one picture at a time like a function, with as many threads as
the machine has cores. The machine must have at least as many cores as the share.

  first    process start to the first picture of 256 x 256, page cache warm
  seconds  for a picture of a size, from pixels to pixels, after the first two
  largest  the side of the largest square with which a process is not killed because of
           its memory, and of the largest that the footprint allows beside the loaded
           model, which must not be larger

Run it as root or, with control groups of version 2, with a delegated group in --cgroup
DIR. The groups are removed afterwards. Decoders and encoders need additional memory: see
memory.`

// functions are the measured sizes of a function in megabytes as counted by Lambda, with the vCPUs
// that Lambda states for them.
var functions = []struct {
	name  string
	share cgroup.Share
}{
	{"1769 MB, 1 vCPU", cgroup.Share{Memory: 1769 << 20, CPUs: 1}},
	{"3007 MB, 1.7 vCPU", cgroup.Share{Memory: 3007 << 20, CPUs: 1.7}},
}

// inLambda measures processes with a function's share of the machine.
func inLambda(ctx context.Context, s *session) (string, error) {
	engines, err := s.engines()
	if err != nil {
		return "", err
	}
	sides := pick(s, []int{512, 1024, 2048}, []int{64, 128})
	s.expect(len(functions) * len(engines) * (s.Rounds + len(sides) + 1))
	head := []string{"share", "engine", "first picture"}
	for _, side := range sides {
		head = append(head, size(side, side))
	}
	rows := [][]string{append(head, "largest that survives", "by the formula", "of it", "goal", "")}
	for _, f := range functions {
		for _, e := range engines {
			row, err := s.inShare(ctx, f.name, f.share, e, sides)
			if err != nil {
				return "", err
			}
			rows = append(rows, append([]string{f.name, e.name}, row...))
		}
	}
	return "One picture at a time. The first picture is the median of the rounds (least..most).\n\n" + table(rows...), nil
}

// inShare measures one engine with one share.
func (s *session) inShare(ctx context.Context, name string, of cgroup.Share, e engine, sides []int) (row []string, err error) {
	c, err := newLimitedGroup(s.Cgroup, of)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	t := task{Model: s.Model, Concurrent: 1, Memory: of.Memory, Seconds: pick(s, 4, 0.1)}
	what := name + ", " + e.name

	firsts, err := inTurn(ctx, s, what, side[startup]{"first picture", func(ctx context.Context) (startup, error) {
		cmd, stderr, err := c.child(ctx, e.program, "first-image", t.sized(256))
		if err != nil {
			return startup{}, err
		}
		return startOnce(cmd, stderr)
	}})
	if err != nil {
		return nil, err
	}
	row = append(row, each(firsts[0], func(u startup) float64 { return u.took.Seconds() }).show("%.2f")+" s")
	for _, side := range sides {
		s.step("%s, %s", what, size(side, side))
		v, err := askInGroup[speed](ctx, c, e.program, "throughput", t.sized(side))
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", what, size(side, side), err)
		}
		row = append(row, fmt.Sprintf("%.3f s", v.Median))
	}
	s.step("%s, the largest picture", what)
	limit := pick(s, 8192, 128)
	survives, err := largest(limit, func(side int) (bool, error) {
		_, err := askInGroup[peak](ctx, c, e.program, "peak", t.sized(side))
		if errors.Is(err, cgroup.ErrKilled) {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		return nil, err
	}
	allowed, err := askInGroup[int](ctx, c, e.program, "allowed", t)
	if err != nil {
		return nil, err
	}
	if survives == limit { // with --quick
		return append(row, "at least "+size(survives, survives), size(allowed, allowed), "", "", ""), nil
	}
	part := float64(allowed*allowed) / float64(survives*survives)
	return slices.Concat(row, []string{size(survives, survives), size(allowed, allowed), fmt.Sprintf("%.2f", part)}, atMost(1, part)), nil
}

// sidesStep is the resolution of the search for the largest picture.
const sidesStep = 32

// largest returns the largest side up to limit for which good is true, assuming that good is true
// for all smaller sides.
func largest(limit int, good func(side int) (bool, error)) (int, error) {
	low, high := 0, limit/sidesStep+1
	for high-low > 1 {
		middle := (low + high) / 2
		ok, err := good(middle * sidesStep)
		if err != nil {
			return 0, err
		}
		if ok {
			low = middle
		} else {
			high = middle
		}
	}
	return low * sidesStep, nil
}

// allowedSide writes the side of the largest picture that the footprint allows in the process's
// memory, beside the loaded model.
func allowedSide(ctx context.Context, t task, out io.Writer) error {
	_, loaded, err := loadAndPaint(ctx, t)
	if err != nil {
		return err
	}
	side := 0
	for loaded+footprint.Picture(side+sidesStep, side+sidesStep, 0) <= t.Memory {
		side += sidesStep
	}
	return answer(out, side)
}
