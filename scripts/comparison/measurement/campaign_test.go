package measurement

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/scripts/measure/machine"
)

// plan returns a plan of variants that differ in size.
func plan(repetitions, variants int) Plan {
	p := Plan{Repetitions: repetitions, Seed: 1}
	for n := range variants {
		p.Variants = append(p.Variants, Variant{System: Daemon, Engine: ONNX, Size: n + 1, Jobs: 1, Pattern: Steady, Rate: 1})
	}
	return p
}

// recorder measures nothing, and records what it was asked to measure.
type recorder struct {
	sizes   []int
	chances []uint64
	then    func(Variant) (*Run, error) // nil: a valid run
}

func (r *recorder) measure(_ context.Context, v Variant, chance *rand.Rand) (*Run, error) {
	r.sizes, r.chances = append(r.sizes, v.Size), append(r.chances, chance.Uint64())
	if r.then != nil {
		return r.then(v)
	}
	return &Run{Jobs: []Job{{Latency: 1}}}, nil
}

func (r *recorder) campaign(f *Folder) *Campaign {
	return &Campaign{Folder: f, Machine: machine.Description{Processor: "A"}, Measure: r.measure, Progress: io.Discard}
}

// Each repetition has every variant once, in its own order, which depends on the seed.
func TestOrderDependsOnSeed(t *testing.T) {
	const variants = 20
	made := func(seed uint64) (sizes []int, chances []uint64) {
		p, r := plan(2, variants), new(recorder)
		p.Seed = seed
		if s, err := r.campaign(open(t, t.TempDir(), p)).Run(t.Context()); err != nil || s.Made != 2*variants || s.Left != 0 {
			t.Fatalf("got %+v, %v", s, err)
		}
		return r.sizes, r.chances
	}
	one, chances := made(1)
	if again, _ := made(1); !slices.Equal(one, again) {
		t.Errorf("the same seed gave %v and %v", one, again)
	}
	if other, _ := made(2); slices.Equal(one, other) {
		t.Errorf("two seeds gave %v", one)
	}
	first, second := one[:variants], one[variants:]
	if slices.Equal(first, second) || slices.IsSorted(first) {
		t.Errorf("the order is %v, %v", first, second)
	}
	for _, of := range [][]int{first, second} {
		if sorted := slices.Compact(slices.Sorted(slices.Values(of))); len(sorted) != variants {
			t.Errorf("a repetition has %v", of)
		}
	}
	// Within a repetition all variants have the same arrivals; the next repetition has different
	// ones.
	if chances[0] != chances[variants-1] || chances[0] == chances[variants] {
		t.Errorf("sources of chance: %v", chances)
	}
}

// A variant with fewer runs has them at regular intervals through the measurement.
func TestFewerRuns(t *testing.T) {
	p := plan(10, 3)
	p.Every = map[string]int{p.Variants[1].Name(): 2, p.Variants[2].Name(): 4}
	dir, r := t.TempDir(), new(recorder)
	f := open(t, dir, p)
	if s, err := r.campaign(f).Run(t.Context()); err != nil || s.Made != 10+5+3 || s.Left != 0 {
		t.Fatalf("got %+v, %v", s, err)
	}
	runs, err := f.Runs()
	if err != nil {
		t.Fatal(err)
	}
	made := map[int][]int{}
	for _, run := range runs {
		made[run.Header.Variant.Size] = append(made[run.Header.Variant.Size], run.Header.Repetition)
	}
	if !slices.Equal(made[2], []int{1, 3, 5, 7, 9}) || !slices.Equal(made[3], []int{1, 5, 9}) {
		t.Errorf("the repetitions are %v", made)
	}
	for i, want := range []int{10, 5, 3} {
		if got := p.Runs(p.Variants[i]); got != want {
			t.Errorf("%d runs of %s are planned, want %d", got, p.Variants[i].Name(), want)
		}
	}
	f.Close()
	p.Every = nil
	if _, err := Open(dir, p); err == nil || !strings.Contains(err.Error(), "a different plan") {
		t.Errorf("with other numbers of runs: got %v", err)
	}
}

// Ctrl-C keeps the runs made so far, and the next start makes the others.
func TestInterruptedCampaign(t *testing.T) {
	dir := t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	r := new(recorder)
	r.then = func(Variant) (*Run, error) {
		if len(r.sizes) == 3 {
			stop()
			return nil, context.Canceled
		}
		return &Run{}, nil
	}
	f := open(t, dir, plan(2, 4))
	if s, err := r.campaign(f).Run(ctx); !errors.Is(err, context.Canceled) || s.Made != 2 || s.Left != 6 {
		t.Errorf("got %+v, %v", s, err)
	}
	f.Close()
	rest := new(recorder)
	if s, err := rest.campaign(open(t, dir, plan(2, 4))).Run(t.Context()); err != nil || s.Made != 6 || s.Left != 0 {
		t.Errorf("got %+v, %v", s, err)
	}
	if rest.sizes[0] != r.sizes[2] {
		t.Errorf("it continued with %d, want the interrupted run, of %d", rest.sizes[0], r.sizes[2])
	}
}

// Void runs are kept and repeated once at each start; runs on another processor model don't replace
// them.
func TestVoidAndOtherProcessors(t *testing.T) {
	dir := t.TempDir()
	f := open(t, dir, plan(1, 2))
	void := &recorder{then: func(v Variant) (*Run, error) {
		return &Run{Footer: Footer{Steal: float64(v.Size-1) / 10}}, nil // of the second
	}}
	if s, err := void.campaign(f).Run(t.Context()); err != nil || s.Made != 2 || s.Void != 1 || s.Left != 1 {
		t.Errorf("got %+v, %v", s, err)
	}
	again := new(recorder)
	if _, err := again.campaign(f).Run(t.Context()); err != nil || !slices.Equal(again.sizes, []int{2}) {
		t.Errorf("repeated: %v, %v", again.sizes, err)
	}
	other := new(recorder)
	c := other.campaign(f)
	c.Machine.Processor = "B"
	if s, err := c.Run(t.Context()); err != nil || s.Made != 2 {
		t.Errorf("on another processor: %+v, %v", s, err)
	}
	runs, err := f.Runs()
	by := ByProcessor(runs)
	if err != nil || len(runs) != 5 || len(by["A"]) != 2 || len(by["B"]) != 2 {
		t.Errorf("got %d runs, by processor %d and %d, %v", len(runs), len(by["A"]), len(by["B"]), err)
	}
}

// Void runs are repeated after the others, at most as often as requested.
func TestRetryVoid(t *testing.T) {
	tries := 0
	r := &recorder{}
	r.then = func(v Variant) (*Run, error) {
		if v.Size == 2 {
			return &Run{}, nil
		}
		tries++
		return &Run{Footer: Footer{Steal: max(0, 0.1*float64(3-tries))}}, nil // valid at the third try
	}
	c := r.campaign(open(t, t.TempDir(), plan(1, 2)))
	c.RetryVoid = 5
	if s, err := c.Run(t.Context()); err != nil || s.Made != 4 || s.Void != 2 || s.Left != 0 || tries != 3 {
		t.Errorf("got %+v after %d tries, %v", s, tries, err)
	}
	tries = -100
	c = r.campaign(open(t, t.TempDir(), plan(1, 2)))
	c.RetryVoid = 1
	if s, err := c.Run(t.Context()); err != nil || s.Made != 3 || s.Void != 2 || s.Left != 1 {
		t.Errorf("with one retry: got %+v, %v", s, err)
	}
}

// Variants that can't be measured are left out and reported once; failed runs don't prevent other
// runs.
func TestUnavailableAndFailed(t *testing.T) {
	var progress bytes.Buffer
	broken := errors.New("the engine does not start")
	r := &recorder{then: func(v Variant) (*Run, error) {
		switch v.Size {
		case 1:
			return nil, &UnavailableError{"no control groups here"}
		case 2:
			return nil, broken
		}
		return &Run{}, nil
	}}
	dir := t.TempDir()
	c := r.campaign(open(t, dir, plan(2, 3)))
	c.Progress = &progress
	s, err := c.Run(t.Context())
	if !errors.Is(err, broken) || s.Made != 4 || s.Void != 2 || s.Left != 4 || len(s.Unavailable) != 1 {
		t.Errorf("got %+v, %v", s, err)
	}
	runs, err := c.Folder.Runs()
	if err != nil {
		t.Fatal(err)
	}
	failed := 0 // failed runs are kept, so that every run is counted
	for _, r := range runs {
		if r.Footer.Void == "the run failed: the engine does not start" {
			failed++
		}
	}
	if failed != 2 {
		t.Errorf("the folder has %d failed runs, want 2", failed)
	}
	if n := strings.Count(progress.String(), "left out: no control groups here"); n != 1 || !strings.Contains(progress.String(), " left\n") {
		t.Errorf("the progress was\n%s", &progress)
	}
	first := c.Folder.Plan.Variants[0].Name()
	if reasons, err := Unavailable(dir); err != nil || len(reasons) != 1 || reasons[first] != "no control groups here" {
		t.Errorf("the folder has the reasons %v, %v", reasons, err)
	}
	r.then = nil // now it can be measured
	if _, err := c.Run(t.Context()); err != nil {
		t.Error(err)
	}
	if reasons, err := Unavailable(dir); err != nil || len(reasons) != 0 {
		t.Errorf("after it could be measured the folder has the reasons %v, %v", reasons, err)
	}
}

// Calibrating runs are made first, and the others by the next start, into the same folder.
func TestCalibratingFirst(t *testing.T) {
	dir, p := t.TempDir(), plan(2, 3)
	p.Variants[1].Pattern = Poisson
	first := new(recorder)
	c := first.campaign(open(t, dir, p))
	c.Calibrating = true
	if s, err := c.Run(t.Context()); err != nil || s.Made != 4 || s.Left != 0 || slices.Contains(first.sizes, 2) {
		t.Errorf("got %+v of %v, %v", s, first.sizes, err)
	}
	c.Folder.Close()
	rest := new(recorder)
	if s, err := rest.campaign(open(t, dir, p)).Run(t.Context()); err != nil || s.Made != 2 || !slices.Equal(rest.sizes, []int{2, 2}) {
		t.Errorf("got %+v of %v, %v", s, rest.sizes, err)
	}
}

// Another processor with the same name is refused, because virtual machines often use one name for
// many models.
func TestOtherProcessorOfSameNameIsRefused(t *testing.T) {
	r, f := new(recorder), open(t, t.TempDir(), plan(2, 1))
	c := r.campaign(f)
	c.Machine.Stepping = "family 26 model 2 stepping 1"
	if _, err := c.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.Machine.Stepping = "family 25 model 1 stepping 1"
	if _, err := c.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "family 25 model 1 stepping 1") {
		t.Errorf("on another processor: %v", err)
	}
}

// Predicted runs record the SHA-256 of the predictions that existed when they were made.
func TestRunsNamePredictions(t *testing.T) {
	dir, p := t.TempDir(), plan(1, 2)
	p.Variants[1].Pattern = Poisson
	if err := os.WriteFile(filepath.Join(dir, PredictionsFile), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := open(t, dir, p)
	if _, err := new(recorder).campaign(f).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	runs, err := f.Runs()
	if err != nil || len(runs) != 2 {
		t.Fatal(runs, err)
	}
	for _, r := range runs {
		want := ""
		if !r.Header.Variant.Calibrates() {
			want = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" // of {}
		}
		if r.Header.Predictions != want {
			t.Errorf("%s names %q, want %q", r.Header.Variant.Name(), r.Header.Predictions, want)
		}
	}
}
