package arrivals_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/arrivals"
)

func seeded(n uint64) *rand.Rand { return rand.New(rand.NewPCG(n, 0)) }

func ExampleSteady() {
	times, _ := arrivals.Steady(2, 3) // two jobs a second for three seconds
	fmt.Println(times)
	// Output: [0 0.5 1 1.5 2 2.5]
}

func ExampleBursts() {
	times, _ := arrivals.Bursts{Silence: 900, Jobs: 3, Rate: 2, Count: 2}.Times()
	fmt.Println(times)
	// Output: [900 900.5 901 1801 1801.5 1802]
}

func TestPoisson(t *testing.T) {
	times, err := arrivals.Poisson(seeded(1), 0.5, 400_000)
	if err != nil {
		t.Fatal(err)
	}
	if n, want, allowed := float64(len(times)), 200_000.0, 4*math.Sqrt(200_000); math.Abs(n-want) > allowed {
		t.Errorf("got %g arrivals, want %g within %g", n, want, allowed)
	}
	if !slices.IsSorted(times) || times[0] < 0 || times[len(times)-1] >= 400_000 {
		t.Error("arrivals are not sorted within the duration")
	}
	gaps, squares := 0.0, 0.0
	for i := 1; i < len(times); i++ {
		g := times[i] - times[i-1]
		gaps += g
		squares += g * g
	}
	n := float64(len(times) - 1)
	if cv2 := squares/n/(gaps/n)/(gaps/n) - 1; math.Abs(cv2-1) > 0.02 {
		t.Errorf("squared coefficient of variation of gaps: got %g, want 1", cv2)
	}
	if d := arrivals.Describe(times, 400_000).Dispersion60; math.Abs(d-1) > 0.06 {
		t.Errorf("index of dispersion at 60 s: got %g, want 1", d)
	}
}

func TestSuperpose(t *testing.T) {
	trace := []float64{0, 1, 1.5, 40}
	const period = 100
	times, err := arrivals.Superpose(seeded(2), trace, 50, period)
	if err != nil {
		t.Fatal(err)
	}
	if len(times) != 200 || !slices.IsSorted(times) || times[0] < 0 || times[199] >= period {
		t.Fatalf("got %d arrivals from %g to %g, want 200 sorted within the period", len(times), times[0], times[199])
	}
	// The gaps of a copy are those of the trace, around the circle: they are never compressed.
	one, err := arrivals.Superpose(seeded(3), trace, 1, period)
	if err != nil {
		t.Fatal(err)
	}
	var gaps []float64
	for i, a := range one {
		gaps = append(gaps, math.Round(100*math.Mod(one[(i+1)%len(one)]-a+period, period))/100)
	}
	slices.Sort(gaps)
	if want := []float64{0.5, 1, 38.5, 60}; !slices.Equal(gaps, want) {
		t.Errorf("gaps of one copy: got %v, want %v", gaps, want)
	}
}

func TestSameSeedSamePattern(t *testing.T) {
	make2 := func(seed uint64) []float64 {
		a, _ := arrivals.Poisson(seeded(seed), 1, 1000)
		b, _ := arrivals.Images(seeded(seed), 48.5, 3)
		c, _ := arrivals.Superpose(seeded(seed), a, 3, 1000)
		return slices.Concat(a, b, c)
	}
	if !slices.Equal(make2(7), make2(7)) {
		t.Error("the same seed gave different arrivals")
	}
	if slices.Equal(make2(7), make2(8)) {
		t.Error("different seeds gave the same arrivals")
	}
}

func TestParameters(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	r := seeded(1)
	for _, c := range []struct {
		name string
		err  func() error
		want string
	}{
		{"zero rate", func() error { _, err := arrivals.Steady(0, 1); return err }, "a rate must be a positive number of jobs a second, not 0"},
		{"NaN rate", func() error { _, err := arrivals.Poisson(r, nan, 1); return err }, "not NaN"},
		{"infinite time", func() error { _, err := arrivals.Poisson(r, 1, inf); return err }, "a time must be a positive number of seconds, not +Inf"},
		{"too many", func() error { _, err := arrivals.Poisson(r, 1e6, 1e6); return err }, "1000000000000 arrivals are more than the 10000000"},
		{"no burst", func() error { _, err := arrivals.Bursts{Silence: 1, Jobs: 1, Rate: 1}.Times(); return err }, "at least one job and one burst"},
		{"no days", func() error { _, err := arrivals.Images(r, 1, 0); return err }, "at least one day"},
		{"too many images", func() error { _, err := arrivals.Images(r, 1e9, 30); return err }, "use a shorter time"},
		{"no copies", func() error { _, err := arrivals.Superpose(r, []float64{0}, 0, 1); return err }, "at least one copy"},
		{"no trace", func() error { _, err := arrivals.Superpose(r, nil, 1, 1); return err }, "without arrivals"},
		{"period too short", func() error { _, err := arrivals.Superpose(r, []float64{0, 5}, 1, 5); return err }, "a period of 5 s is too short for the trace"},
		{"many copies", func() error { _, err := arrivals.Superpose(r, []float64{0, 5}, 1e9, 6); return err }, "more than the 10000000"},
	} {
		if err := c.err(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", c.name, err, c.want)
		}
	}
}

func TestHoursWithJobs(t *testing.T) {
	if got := arrivals.HoursWithJobs([]float64{0, 3599, 3600, 10_800, 10_801}); got != 3 {
		t.Errorf("jobs in the first, second and fourth hour: got %v hours", got)
	}
	if got := arrivals.HoursWithJobs(nil); got != 0 {
		t.Errorf("no jobs: got %v hours", got)
	}
}
