package measurement

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/atelier-go/atelier/scripts/measure/machine"
)

// A Campaign makes the missing runs of a folder's plan.
type Campaign struct {
	// Calibrating limits the campaign to the variants from which predictions are made.
	Calibrating bool

	Folder  *Folder
	Machine machine.Description
	Command string // command line, stored in the files
	Trace   *Trace // for the pattern [Recorded], described in the files
	// Measure makes one run with its own random source: it sets the jobs and the parts of the
	// footer that it can measure. If it returns an [*UnavailableError], the variant is left out.
	Measure  func(context.Context, Variant, *rand.Rand) (*Run, error)
	Progress io.Writer
	// RetryVoid is how often void runs are repeated after all others.
	RetryVoid int
}

// An UnavailableError is the reason why something can't be measured on this machine, with what to
// do about it.
type UnavailableError struct{ Reason string }

func (e *UnavailableError) Error() string { return e.Reason }

// A step is a run that is not made yet.
type step struct {
	variant              Variant
	repetition, position int
}

// order returns all runs of a plan: in each repetition its variants, in random order.
func order(p Plan) (all []step) {
	for repetition := 1; repetition <= p.Repetitions; repetition++ {
		chance := rand.New(rand.NewPCG(p.Seed, uint64(repetition))) //nolint:gosec // not for secrets; from 1
		for position, i := range chance.Perm(len(p.Variants)) {
			if v := p.Variants[i]; p.In(v, repetition) {
				all = append(all, step{v, repetition, position + 1})
			}
		}
	}
	return all
}

// chance returns a run's random source, which is the same whenever it is made. All variants of a
// repetition have the same one, so that the same pattern has the same arrivals for each.
func (s step) chance(seed uint64) *rand.Rand {
	const arrivals = 1 << 32                                          // the orders have the streams below
	return rand.New(rand.NewPCG(seed, arrivals+uint64(s.repetition))) //nolint:gosec // not for secrets; from 1
}

// missing returns the steps that have no run on this processor model or only void ones, and the
// valid runs of each variant.
func (c *Campaign) missing() (all []step, good map[Variant][]*Run, err error) {
	runs, err := c.Folder.Runs()
	if err != nil {
		return nil, nil, err
	}
	type made struct {
		variant    Variant
		repetition int
	}
	done, good := map[made]bool{}, map[Variant][]*Run{}
	for _, r := range ByProcessor(runs)[c.Machine.Processor] {
		v := r.Header.Variant
		done[made{v, r.Header.Repetition}], good[v] = true, append(good[v], r)
	}
	for _, s := range order(c.Folder.Plan) {
		if !done[made{s.variant, s.repetition}] && !lookAt(s.variant, good[s.variant]).Enough() && (!c.Calibrating || s.variant.Calibrates()) {
			all = append(all, s)
		}
	}
	return all, good, nil
}

// A Summary is the result of a campaign.
type Summary struct {
	Made, Void, Left int               // numbers of runs; Left are still missing
	Unable           int               // number of runs in Left that can't be made on this machine
	Unavailable      map[string]string // left-out variants with the reasons
	Looks            []Look            // results of examining all runs on this machine's processor model
}

// Run makes each missing run once, and repeats void ones at most RetryVoid times. If ctx ends, it
// returns ctx's error, without the unfinished run. A failed run does not stop the campaign; a run
// that can't be stored does.
func (c *Campaign) Run(ctx context.Context) (s Summary, err error) {
	s.Unavailable = map[string]string{}
	if err := c.Folder.sameProcessor(c.Machine); err != nil {
		return s, err
	}
	for try := 0; ; try++ {
		void := s.Void
		err = c.round(ctx, &s)
		if err == nil && s.Void > void && try < c.RetryVoid {
			continue
		}
		runs, rerr := c.Folder.Runs()
		s.Looks = c.Folder.Plan.Looks(ByProcessor(runs)[c.Machine.Processor])
		return s, errors.Join(err, rerr)
	}
}

// round makes each missing run once, and counts it.
func (c *Campaign) round(ctx context.Context, s *Summary) error {
	steps, good, err := c.missing()
	if err != nil {
		return err
	}
	s.Left, s.Unable = len(steps), 0
	clock := newClock(steps)
	var errs []error
	for i, step := range steps {
		name := step.variant.Name()
		if _, out := s.Unavailable[name]; out {
			clock.leaveOut(step)
			s.Unable++
			continue
		}
		if lookAt(step.variant, good[step.variant]).Enough() { // by the runs of this round
			clock.leaveOut(step)
			s.Left--
			continue
		}
		fmt.Fprintf(c.Progress, "compare: run %d of %d: %s, repetition %d, about %s left\n", i+1, len(steps), name, step.repetition, clock.left().Round(time.Second))
		began := time.Now()
		run, err := c.make(ctx, step)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		none := new(UnavailableError)
		if errors.As(err, &none) {
			s.Unavailable[name] = none.Reason
			clock.leaveOut(step)
			s.Unable++
			fmt.Fprintf(c.Progress, "compare: %s: left out: %s\n", name, none.Reason)
			if err := c.Folder.setUnavailable(name, none.Reason); err != nil {
				return errors.Join(append(errs, err)...)
			}
			continue
		}
		clock.made(step, time.Since(began))
		if err != nil {
			fmt.Fprintf(c.Progress, "compare: %s: %v\n", name, err)
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
			if run == nil {
				continue
			}
		}
		if err := errors.Join(c.Folder.Add(run), c.Folder.setUnavailable(name, "")); err != nil {
			return errors.Join(append(errs, err)...)
		}
		s.Made++
		if void := run.Footer.Void; void != "" {
			s.Void++
			if err == nil {
				fmt.Fprintf(c.Progress, "compare: %s: void: %s\n", name, void)
			}
			continue
		}
		good[step.variant] = append(good[step.variant], run)
		s.Left--
	}
	return errors.Join(errs...)
}

// make makes and completes a run. A failed run is returned with its error as a void run, so that
// the folder has it too.
func (c *Campaign) make(ctx context.Context, s step) (*Run, error) {
	h := Header{
		Format: Format, Variant: s.variant, Hypothetical: s.variant.Hypothetical(), Repetition: s.repetition, Position: s.position,
		Seed: c.Folder.Plan.Seed, Command: c.Command, Machine: c.Machine, Began: time.Now().UTC(),
	}
	predictions, err := c.Folder.predictions()
	if err != nil {
		return nil, err
	}
	if !s.variant.Calibrates() {
		h.Predictions = predictions
	}
	before := machine.LoadAverage()
	run, err := c.Measure(ctx, s.variant, s.chance(c.Folder.Plan.Seed))
	if none := new(UnavailableError); errors.As(err, &none) {
		return nil, err
	}
	if err != nil {
		now := time.Now().UTC()
		return &Run{Header: h, Footer: Footer{Ended: now, Seconds: now.Sub(h.Began).Seconds(), Void: "the run failed: " + err.Error(), LoadBefore: before, LoadAfter: machine.LoadAverage()}}, err
	}
	run.Header = h
	f := &run.Footer
	f.Ended, f.Jobs, f.LagP99, f.LoadBefore, f.LoadAfter = time.Now().UTC(), len(run.Jobs), lagP99(run.Jobs), before, machine.LoadAverage()
	if s.variant.Pattern == Recorded {
		run.Header.Trace = c.Trace
		run.withoutArrivals()
	}
	f.Void = voidReason(s.variant, run.Jobs, *f)
	return run, nil
}
