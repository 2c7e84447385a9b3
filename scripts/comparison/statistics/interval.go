package statistics

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// An Interval is an estimate from runs with its uncertainty.
type Interval struct {
	Estimate, Low, High float64
	Confidence          float64 // 0 to 1, such as 0.95
	Runs                int
}

// RelativeHalfWidth returns half the interval's length divided by the estimate.
func (i Interval) RelativeHalfWidth() float64 { return (i.High - i.Low) / 2 / i.Estimate }

// Holds returns whether v is in the interval.
func (i Interval) Holds(v float64) bool { return i.Low <= v && v <= i.High }

// Geometric returns the geometric mean of one positive value of each run, such as its 95th
// percentile, with Student's interval on the logarithms: times are skewed to the right and differ
// by factors, and this interval never includes negative values.
func Geometric(values []float64, confidence float64) (Interval, error) {
	return onLogarithms(values, confidence, 2, func(n float64) float64 { return 1 / n })
}

// minimumPredicting is the minimum number of runs for a prediction interval.
const minimumPredicting = 10

// Predict returns the interval that contains the same value of one further run with the given
// confidence, computed on the logarithms of positive values of ten runs or more. The estimate is
// their geometric mean.
//
// If the further run is predicted by a model, calibrating is the number of runs from which the
// model was calibrated, and otherwise 0. With n values and m calibrating runs, all of standard
// deviation s, three errors are independent and their variances add up: s² of the further run, s²/n
// of the values' mean, s²/m of the model's centre. So the interval extends t s √(1 + 1/n + 1/m) to
// both sides; without the last term it is the usual one of √(1 + 1/n) (Meeker, Hahn and Escobar,
// Statistical Intervals, 2nd edition, 2017, chapter 4).
func Predict(values []float64, calibrating int, confidence float64) (Interval, error) {
	return onLogarithms(values, confidence, minimumPredicting, further(calibrating))
}

// PredictCount is [Predict] for counts, which may be zero, such as cold starts. It is computed on
// the counts themselves and cut off at zero. It extends at least half a count to both sides: ten
// equal counts do not make the next one certain, and a mean that is not a whole number is as good
// as the nearest one.
func PredictCount(counts []float64, calibrating int, confidence float64) (Interval, error) {
	for _, n := range counts {
		if !(n >= 0) || math.IsInf(n, 0) {
			return Interval{}, fmt.Errorf("a count is zero or more, not %g", n)
		}
	}
	i, err := student(counts, confidence, minimumPredicting, further(calibrating))
	i.Low, i.High = max(0, min(i.Low, i.Estimate-0.5)), max(i.High, i.Estimate+0.5)
	return i, err
}

// further returns the variance of a further run's value around the mean of n values, relative to
// the variance of the values.
func further(calibrating int) func(n float64) float64 {
	return func(n float64) float64 {
		if calibrating > 0 {
			return 1 + 1/n + 1/float64(calibrating)
		}
		return 1 + 1/n
	}
}

func onLogarithms(values []float64, confidence float64, minimum int, variance func(n float64) float64) (Interval, error) {
	logs := make([]float64, len(values))
	for k, v := range values {
		if !(v > 0) || math.IsInf(v, 0) {
			return Interval{}, fmt.Errorf("the logarithm of a run's value needs a positive number, not %g", v)
		}
		logs[k] = math.Log(v)
	}
	i, err := student(logs, confidence, minimum, variance)
	if err != nil {
		return Interval{}, err
	}
	i.Estimate, i.Low, i.High = math.Exp(i.Estimate), math.Exp(i.Low), math.Exp(i.High)
	return i, nil
}

// student returns the mean of values with Student's interval for a figure whose variance is the
// values' variance times variance(n).
func student(values []float64, confidence float64, minimum int, variance func(n float64) float64) (Interval, error) {
	if err := confidenceError(confidence); err != nil {
		return Interval{}, err
	}
	if len(values) < minimum {
		return Interval{}, fmt.Errorf("an interval needs %d runs or more, not %d", minimum, len(values))
	}
	n := float64(len(values))
	mean, deviation := stat.MeanStdDev(values, nil)
	half := quantileT(confidence, n) * deviation * math.Sqrt(variance(n))
	return Interval{Estimate: mean, Low: mean - half, High: mean + half, Confidence: confidence, Runs: len(values)}, nil
}

// quantileT returns the quantile of Student's distribution for a two-sided interval from n values.
func quantileT(confidence, n float64) float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile((1 + confidence) / 2)
}

func confidenceError(confidence float64) error {
	if !(confidence > 0 && confidence < 1) {
		return errors.New("a confidence must be between 0 and 1, such as 0.95")
	}
	return nil
}
