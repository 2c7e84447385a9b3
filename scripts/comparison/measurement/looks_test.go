package measurement

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// A folder can be continued only from one look at the results to a later one.
func TestMoreRepetitions(t *testing.T) {
	for _, c := range []struct {
		begun, then int
		want        string
	}{
		{10, 15, ""}, {10, 20, ""}, {15, 20, ""}, {10, 10, ""},
		{10, 12, "was begun with 10 repetitions: use --repetitions 10, or continue to one of [15 20], after which results are examined"},
		{15, 10, "use --repetitions 15, or continue to one of [20]"},
		{20, 25, "use --repetitions 20, or another folder"},
		{2, 10, "use --repetitions 2, or another folder"},
	} {
		dir, p := t.TempDir(), plan(c.begun, 1)
		open(t, dir, p).Close()
		p.Repetitions = c.then
		f, err := Open(dir, p)
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%d, then %d: got %v, want %q", c.begun, c.then, err, c.want)
			}
			continue
		}
		if err != nil || f.Plan.Repetitions != c.then {
			t.Fatalf("%d, then %d: %v", c.begun, c.then, err)
		}
		f.Close()
		if kept, err := readPlan(dir); err != nil || kept.Repetitions != c.then {
			t.Errorf("the stored plan has %d repetitions, %v", kept.Repetitions, err)
		}
	}
}

// spread makes runs of 200 jobs whose latencies differ between runs, and more so for larger
// pictures.
func spread(r *recorder) func(Variant) (*Run, error) {
	return func(v Variant) (*Run, error) {
		latency := math.Exp(0.05 * float64(v.Size-1) * float64(len(r.sizes)%7))
		return &Run{Jobs: slices.Repeat([]Job{{Latency: latency}}, v.Jobs)}, nil
	}
}

// After ten runs the variants with wide intervals are reported, and only these get five more runs.
func TestWideIntervalsGetMoreRuns(t *testing.T) {
	dir, p := t.TempDir(), plan(10, 2)
	for i := range p.Variants {
		p.Variants[i].Jobs = 200
	}
	begin := func(repetitions int) (Summary, *recorder) {
		p.Repetitions = repetitions
		r := new(recorder)
		r.then = spread(r)
		f := open(t, dir, p)
		defer f.Close()
		s, err := r.campaign(f).Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s, r
	}
	s, _ := begin(10)
	const narrow, wide = "daemon-onnx-1px-steady-1", "daemon-onnx-2px-steady-1"
	if got := Advice(s.Looks); strings.Contains(got, narrow) || !strings.HasPrefix(got, wide+": after 10 runs the interval is wider than required: p50 ±") || !strings.HasSuffix(got, "; --repetitions 15 makes 5 more runs.\n") {
		t.Errorf("after 10: %q", got)
	}
	s, r := begin(15)
	if s.Left != 0 || !slices.Equal(r.sizes, []int{2, 2, 2, 2, 2}) {
		t.Errorf("continuing made %+v, of the sizes %v", s, r.sizes)
	}
	if s.Looks[0].Runs != 10 || !s.Looks[0].Enough() {
		t.Errorf("the narrow one: %+v", s.Looks[0])
	}
	s, _ = begin(20)
	if got := Advice(s.Looks); got != "" && !strings.HasSuffix(got, "; the report states this.\n") {
		t.Errorf("after 20: %q", got)
	}
}

// Between two looks runs are missing even for a variant that was narrow at the first look, because
// the report has intervals only of 10, 15 or 20 runs.
func TestRunsBetweenLooks(t *testing.T) {
	v := Variant{System: Daemon, Engine: ONNX, Size: 64, Jobs: 200, Pattern: Steady, Rate: 1}
	p := Plan{Repetitions: 15, Variants: []Variant{v}}
	var runs []*Run
	for n := 1; n <= 15; n++ {
		runs = append(runs, &Run{Header: Header{Variant: v, Repetition: n}, Jobs: slices.Repeat([]Job{{Latency: 1}}, 200)})
	}
	for n, want := range map[int]int{9: 0, 10: 10, 12: 0, 15: 15} {
		if l := p.Looks(runs[:n])[0]; l.Runs != want || l.Enough() != (want > 0) {
			t.Errorf("after %d runs: got %+v, want a look at %d", n, l, want)
		}
	}
}

// Variants with few jobs or with fewer than ten runs are not examined.
func TestTooFewRunsAreNotExamined(t *testing.T) {
	p := plan(9, 1)
	p.Variants[0].Jobs = 200
	r := new(recorder)
	r.then = spread(r)
	if s, err := r.campaign(open(t, t.TempDir(), p)).Run(t.Context()); err != nil || s.Looks[0].Runs != 0 || Advice(s.Looks) != "" {
		t.Errorf("after 9 runs: %+v, %v", s.Looks, err)
	}
	r = new(recorder)
	if s, err := r.campaign(open(t, t.TempDir(), plan(10, 1))).Run(t.Context()); err != nil || s.Looks[0].Runs != 0 {
		t.Errorf("of one job: %+v, %v", s.Looks, err)
	}
}

// A start that makes 15 runs of each variant examines the results after 10, and makes no more if
// these are enough.
func TestNarrowIntervalsEndARound(t *testing.T) {
	p := plan(15, 1)
	r := &recorder{then: func(Variant) (*Run, error) {
		return &Run{Jobs: slices.Repeat([]Job{{Latency: 1}}, 200)}, nil
	}}
	f := open(t, t.TempDir(), p)
	if s, err := r.campaign(f).Run(t.Context()); err != nil || s.Made != 10 || s.Left != 0 {
		t.Errorf("got %+v, %v; want 10 runs", s, err)
	}
}
