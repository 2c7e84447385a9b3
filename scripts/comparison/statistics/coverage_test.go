package statistics_test

import (
	"math"
	"os"
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

// coverage counts how often a 95% interval contains the true value in many trials.
func coverage(t *testing.T, what string, trials int, trial func(n int) bool) {
	t.Helper()
	held := 0
	for n := range trials {
		if trial(n) {
			held++
		}
	}
	share := float64(held) / float64(trials)
	t.Logf("%s: %.2f%% of %d", what, 100*share, trials)
	if share < 0.93 || share > 0.97 {
		t.Errorf("%s: contained the true value in %.2f%% of %d trials, want 93 to 97%%", what, 100*share, trials)
	}
}

// Percentiles of runs that differ by a log-normal factor with a spread of a tenth.
func TestCoverage(t *testing.T) {
	random := seeded(11)
	draw := func(n int, spread float64) []float64 {
		values := make([]float64, n)
		for i := range values {
			values[i] = 3 * math.Exp(spread*random.NormFloat64())
		}
		return values
	}
	const trials = 10_000
	for _, n := range []int{10, 20} {
		coverage(t, "geometric mean", trials, func(int) bool {
			i, err := statistics.Geometric(draw(n, 0.1), 0.95)
			return err == nil && i.Holds(3)
		})
		coverage(t, "prediction", trials, func(int) bool {
			i, err := statistics.Predict(draw(n, 0.1), 0, 0.95)
			return err == nil && i.Holds(draw(1, 0.1)[0])
		})
		for _, calibrating := range []int{3, 10} {
			coverage(t, "prediction by a calibrated model", trials, func(int) bool {
				model, err := statistics.Geometric(draw(calibrating, 0.1), 0.95)
				if err != nil {
					t.Fatal(err)
				}
				i, err := statistics.Predict(draw(n, 0.1), calibrating, 0.95)
				return err == nil && i.Holds(model.Estimate*draw(1, 0.1)[0]/3) // a run by the model
			})
		}
	}
	// Spreads with which experiments end at the first, at any, and at the last look.
	for _, spread := range []float64{0.05, 0.09, 0.2} {
		coverage(t, "looks after 10, 15 and 20 runs", trials, func(int) bool {
			values := draw(20, spread)
			for _, n := range []int{10, 15, 20} {
				if i, verdict, _ := statistics.Look(values[:n], statistics.GoalP50); verdict != statistics.More {
					return i.Holds(3)
				}
			}
			t.Fatal("the last look ended nothing")
			return false
		})
	}
}

// The ratio of two variants' mean times, which is a figure like crossovers. 10,000 trials with
// ATELIER_LONG_TESTS=1.
func TestCoverageOfResampling(t *testing.T) {
	trials := 1_500
	if os.Getenv("ATELIER_LONG_TESTS") != "" {
		trials = 10_000
	}
	random := seeded(12)
	for _, n := range []int{10, 20} {
		coverage(t, "resampled ratio", trials, func(int) bool {
			times := [2][]float64{make([]float64, n), make([]float64, n)}
			for i := range n {
				times[0][i] = math.Exp(0.2 * random.NormFloat64())
				times[1][i] = 2 * math.Exp(0.2*random.NormFloat64())
			}
			sum := func(v int, runs []int) (s float64) {
				for _, run := range runs {
					s += times[v][run]
				}
				return s
			}
			r, err := statistics.Resample(random, []int{n, n}, 400, 0.95, func(chosen [][]int) float64 {
				return sum(0, chosen[0]) / sum(1, chosen[1])
			})
			return err == nil && r.Holds(0.5)
		})
	}
}
