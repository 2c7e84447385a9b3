package simulation

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// A Distribution draws one value, in seconds unless stated otherwise.
type Distribution func(random *rand.Rand) float64

// Constant always draws the same value.
func Constant(value float64) Distribution {
	return func(*rand.Rand) float64 { return value }
}

// Exponential draws from an exponential distribution.
func Exponential(mean float64) Distribution {
	return func(random *rand.Rand) float64 { return mean * random.ExpFloat64() }
}

// Empirical draws from measured values with replacement, without fitting or smoothing. There must
// be at least one value; the values are copied.
func Empirical(values []float64) (Distribution, error) {
	if len(values) == 0 {
		return nil, errors.New("an empirical distribution needs one value or more")
	}
	for _, v := range values {
		if !(v >= 0) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("a measured time must be zero or more, not %g", v)
		}
	}
	values = slices.Clone(values)
	return func(random *rand.Rand) float64 { return values[random.IntN(len(values))] }, nil
}

// Scaled draws from d and multiplies by factor, for example for a slower processor.
func Scaled(d Distribution, factor float64) Distribution {
	return func(random *rand.Rand) float64 { return factor * d(random) }
}
