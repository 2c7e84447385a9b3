package measurement

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/arrivals"
)

func TestArrivals(t *testing.T) {
	for _, c := range []struct {
		name string
		v    Variant
		want func(times []float64) bool
	}{
		{"steady", Variant{Pattern: Steady, Rate: 4, Jobs: 5}, func(a []float64) bool { return a[0] == 0 && a[4] == 1 }},
		{"steady at a rate that is not exact", Variant{Pattern: Steady, Rate: 0.7, Jobs: 200}, func(a []float64) bool { return len(a) == 200 }},
		{"poisson", Variant{Pattern: Poisson, Rate: 4, Jobs: 10_000}, func(a []float64) bool { return math.Abs(a[len(a)-1]-2500) < 4*25 }}, // four standard deviations
		{"bursts begin with a silence", Variant{Pattern: Bursts, Rate: 0.5, Jobs: 41}, func(a []float64) bool {
			return near(a[0], 32.4) && near(a[19], 40) && near(a[20], 72.4) && near(a[40], 112.4)
		}},
		{"synthetic", Variant{Pattern: Synthetic, Rate: 0.2, Jobs: 50}, func(a []float64) bool { return a[0] == 0 && a[49] > 50 }},
	} {
		times, err := c.v.arrivals(source())
		if err != nil || len(times) != c.v.Jobs || !slices.IsSorted(times) || !c.want(times) {
			t.Errorf("%s: got %d, %v, %v", c.name, len(times), times[:min(len(times), 30)], err)
		}
	}
	for _, v := range []Variant{{Pattern: Steady, Jobs: 1}, {Pattern: Steady, Rate: 1}, {Pattern: "daily", Rate: 1, Jobs: 1}, {Pattern: Poisson, Rate: math.Inf(1), Jobs: 1}} {
		if _, err := v.arrivals(source()); err == nil {
			t.Errorf("%+v was accepted", v)
		}
	}
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

func source() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// The synthetic pattern is the excerpt that package arrivals makes; there is no second
// implementation.
func TestSyntheticMatchesPackageArrivals(t *testing.T) {
	v := Variant{Pattern: Synthetic, Rate: 0.05, Jobs: 20}
	got, err := v.arrivals(source())
	if err != nil {
		t.Fatal(err)
	}
	chance := source()
	trace, err := arrivals.Images(chance, arrivals.ImagesPerHour, arrivals.ImagesDays)
	if err != nil {
		t.Fatal(err)
	}
	want, err := arrivals.Excerpt(chance, trace, arrivals.ImagesDays*24*3600, v.Rate, v.Jobs)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, want %v (%v)", got, want, err)
	}
}

// A recorded pattern has the gaps of its trace, and accepts only the file that the plan names.
func TestRecordedArrivals(t *testing.T) {
	trace := readTrace(t, "arrival_s\n10\n17\n30\n41\n") // a period of 41.33 s with its mean gap
	v := Variant{Pattern: Recorded, Rate: 4 / trace.period, Jobs: 4, Trace: trace.SHA256}
	times, err := trace.arrivals(v, source())
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(times); i++ {
		if gap := times[i] - times[i-1]; !slices.ContainsFunc([]float64{7, 13, 11, 31. / 3}, func(of float64) bool { return near(of, gap) }) {
			t.Errorf("a gap of %g s is not in the trace", gap)
		}
	}
	for name, other := range map[string]*Trace{"none": nil, "another": readTrace(t, "arrival_s\n1\n2\n")} {
		if _, err := other.arrivals(v, source()); err == nil || !strings.Contains(err.Error(), "pass it with --trace") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
