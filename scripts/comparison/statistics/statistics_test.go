package statistics_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

func seeded(n uint64) *rand.Rand { return rand.New(rand.NewPCG(n, 0)) }

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s: got %.6g, want %.6g within %g", what, got, want, tolerance)
	}
}

func ExampleGeometric() {
	p95 := []float64{2.0, 2.1, 1.9, 2.2, 2.0, 1.8, 2.1, 2.0, 1.9, 2.0} // seconds, of ten runs
	i, _ := statistics.Geometric(p95, 0.95)
	fmt.Printf("%.3f s (%.3f to %.3f)\n", i.Estimate, i.Low, i.High)
	// Output: 1.997 s (1.916 to 2.081)
}

func ExampleLook() {
	p50 := []float64{2.0, 2.1, 1.9, 2.2, 2.0, 1.8, 2.1, 2.0, 1.9, 2.0}
	i, verdict, _ := statistics.Look(p50, statistics.GoalP50)
	fmt.Printf("±%.1f%%: %v\n", 100*i.RelativeHalfWidth(), verdict)
	// Output: ±4.1%: as narrow as required
}

// Values 1 to n in random order, whose percentiles follow from the definition.
func TestPercentile(t *testing.T) {
	for _, c := range []struct {
		n    int
		p    float64
		want float64
	}{{200, 50, 100}, {200, 95, 190}, {201, 50, 101}, {1000, 99, 990}, {1001, 99, 991}, {200, 0.1, 1}, {1000, 100, 1000}} {
		values := make([]float64, c.n)
		for i, v := range seeded(1).Perm(c.n) {
			values[i] = float64(v + 1)
		}
		before := slices.Clone(values)
		got, err := statistics.Percentile(values, c.p)
		if err != nil || got != c.want {
			t.Errorf("p%g of 1..%d: got %g, %v, want %g", c.p, c.n, got, err, c.want)
		}
		if !slices.Equal(before, values) {
			t.Error("the values were changed")
		}
	}
}

func TestInvalidInputIsRefused(t *testing.T) {
	ten := slices.Repeat([]float64{1}, 10)
	one := func([][]int) float64 { return 1 }
	for _, c := range []struct {
		name string
		err  func() error
		want string
	}{
		{"199 jobs", func() error { _, err := statistics.Percentile(make([]float64, 199), 50); return err }, "p50 needs a run of 200 jobs or more, not 199"},
		{"999 jobs", func() error { _, err := statistics.Percentile(make([]float64, 999), 99); return err }, "p99 needs a run of 1000 jobs or more, not 999"},
		{"p0", func() error { _, err := statistics.Percentile(make([]float64, 200), 0); return err }, "above 0"},
		{"NaN", func() error {
			_, err := statistics.Percentile(slices.Repeat([]float64{math.NaN()}, 200), 50)
			return err
		}, "not numbers"},
		{"one run", func() error { _, err := statistics.Geometric([]float64{1}, 0.95); return err }, "2 runs or more, not 1"},
		{"zero", func() error { _, err := statistics.Geometric([]float64{1, 0}, 0.95); return err }, "positive number, not 0"},
		{"confidence", func() error { _, err := statistics.Geometric([]float64{1, 2}, 95); return err }, "between 0 and 1"},
		{"nine runs", func() error { _, err := statistics.Predict(ten[:9], 0, 0.95); return err }, "10 runs or more, not 9"},
		{"negative count", func() error { _, err := statistics.PredictCount(append([]float64{-1}, ten...), 0, 0.95); return err }, "zero or more"},
		{"look at 12", func() error { _, _, err := statistics.Look(append(ten, 1, 1), 0.05); return err }, "after 10, 15 and 20 runs, not after 12"},
		{"no goal", func() error { _, _, err := statistics.Look(ten, 0); return err }, "positive, not 0"},
		{"no variants", func() error { _, err := statistics.Resample(seeded(1), nil, 1000, 0.95, one); return err }, "two runs or more"},
		{"few resamples", func() error { _, err := statistics.Resample(seeded(1), []int{10}, 10, 0.95, one); return err }, "100 resamples"},
	} {
		if err := c.err(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", c.name, err, c.want)
		}
	}
}

// Student's original data (sleep gained by a drug, ten patients, Biometrika 1908): mean 1.58,
// standard deviation 1.230 and t(9, 0.975) = 2.262 give 1.58 ± 0.880.
func TestStudentsSleepData(t *testing.T) {
	gained := []float64{1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4}
	values := make([]float64, len(gained))
	for i, g := range gained {
		values[i] = math.Exp(g)
	}
	i, err := statistics.Geometric(values, 0.95)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "estimate", math.Log(i.Estimate), 1.58, 1e-9)
	near(t, "low", math.Log(i.Low), 0.700, 5e-4)
	near(t, "high", math.Log(i.High), 2.460, 5e-4)
	p, err := statistics.PredictCount(gained, 0, 0.95)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "prediction's high", p.High, 1.58+2.2622*1.22999*math.Sqrt(1.1), 1e-3)
	near(t, "prediction's low", p.Low, 0, 0) // cut off at zero
	p, err = statistics.Predict(values, 0, 0.95)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "prediction of logarithms", math.Log(p.Low), 1.58-2.2622*1.22999*math.Sqrt(1.1), 1e-3)
}

// After ten runs with one cold start each, a mean of 1.1 is still possible.
func TestPredictEqualCounts(t *testing.T) {
	for count, want := range map[float64][2]float64{1: {0.5, 1.5}, 0: {0, 0.5}} {
		i, err := statistics.PredictCount(slices.Repeat([]float64{count}, 10), 0, 0.95)
		if err != nil || i.Low != want[0] || i.High != want[1] {
			t.Errorf("ten runs of %g: from %g to %g, want %v (%v)", count, i.Low, i.High, want, err)
		}
	}
}

func TestLooks(t *testing.T) {
	spread := func(n int, by float64) []float64 {
		var values []float64
		for i := range n {
			values = append(values, math.Exp(by*float64(i%5-2)))
		}
		return values
	}
	for _, c := range []struct {
		n    int
		by   float64
		want statistics.Verdict
	}{
		{10, 0.01, statistics.Reached}, {10, 0.1, statistics.More}, {15, 0.1, statistics.More},
		{20, 0.1, statistics.Wider}, {20, 0.05, statistics.Reached},
	} {
		i, got, err := statistics.Look(spread(c.n, c.by), statistics.GoalP50)
		if err != nil || got != c.want {
			t.Errorf("%d runs spread by %g: got %v (%.3f), %v, want %v", c.n, c.by, got, i.RelativeHalfWidth(), err, c.want)
		}
	}
}

// All values of a run stay together: the product of two columns that cancel each other is 1 in
// every resample.
func TestResampleKeepsRunsTogether(t *testing.T) {
	a, b := []float64{1, 2, 4, 8}, []float64{8, 4, 2, 1}
	r, err := statistics.Resample(seeded(1), []int{4}, 500, 0.95, func(chosen [][]int) float64 {
		product := 1.0
		for _, run := range chosen[0] {
			product *= a[run] * b[run] / 8
		}
		return product
	})
	if err != nil || r.Estimate != 1 || r.Low != 1 || r.High != 1 || r.Undefined != 0 {
		t.Errorf("got %+v, %v, want 1 throughout", r, err)
	}
}

func TestResampleWithoutFigure(t *testing.T) {
	r, err := statistics.Resample(seeded(1), []int{10}, 2000, 0.95, func(chosen [][]int) float64 {
		if slices.Contains(chosen[0], 0) {
			return 5
		}
		return math.NaN()
	})
	if err != nil || r.Low != 5 || r.High != 5 {
		t.Errorf("got %+v, %v", r, err)
	}
	near(t, "share without a figure", r.Undefined, math.Pow(0.9, 10), 0.04) // 0.349
	none, err := statistics.Resample(seeded(1), []int{10}, 100, 0.95, func([][]int) float64 { return math.NaN() })
	if err != nil || none.Undefined != 1 || !math.IsNaN(none.Low) || !math.IsNaN(none.Estimate) {
		t.Errorf("of a figure that never exists: got %+v, %v", none, err)
	}
}
