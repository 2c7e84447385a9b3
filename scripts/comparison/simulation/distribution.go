package simulation

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// A Distribution draws one value, of seconds where nothing else is said.
type Distribution func(random *rand.Rand) float64

// Constant always draws the same value.
func Constant(value float64) Distribution {
	return func(*rand.Rand) float64 { return value }
}

// Exponential draws from an exponential distribution.
func Exponential(mean float64) Distribution {
	return func(random *rand.Rand) float64 { return mean * random.ExpFloat64() }
}

// Empirical draws from measured values with replacement: nothing is fitted or smoothed.
// The values, of which there must be one or more, are copied.
func Empirical(values []float64) (Distribution, error) {
	if len(values) == 0 {
		return nil, errors.New("an empirical distribution needs one value or more")
	}
	for _, v := range values {
		if !(v >= 0) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("a measured time is zero or more, not %g", v)
		}
	}
	values = slices.Clone(values)
	return func(random *rand.Rand) float64 { return values[random.IntN(len(values))] }, nil
}

// Scaled draws from d and multiplies by factor, such as for a slower processor.
func Scaled(d Distribution, factor float64) Distribution {
	return func(random *rand.Rand) float64 { return factor * d(random) }
}
