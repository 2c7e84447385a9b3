package prices

import (
	"fmt"
	"math"
	"time"
)

// Billed returns the duration that AWS bills for an invocation that took this long, initialisation
// included: it is rounded up to the millisecond (aws.amazon.com/lambda/pricing; the initialisation
// of functions from a zip archive is billed since August 2025).
func Billed(took time.Duration) time.Duration {
	return time.Duration(math.Ceil(float64(took)/float64(time.Millisecond))) * time.Millisecond
}

// GBSeconds returns the GB-seconds of a function with this memory and billed duration.
func GBSeconds(memoryMB float64, billed time.Duration) float64 {
	return memoryMB / 1024 * billed.Seconds()
}

// DurationPrice returns the name, for [Table.Price], of the price of a function's GB-seconds.
// architecture is named as by Lambda: x86_64 or arm64. For any other one the error wraps
// [ErrUnknown].
func DurationPrice(architecture string) (string, error) {
	switch architecture {
	case "x86_64":
		return "lambda.x86.gb-seconds", nil
	case "arm64":
		return "lambda.arm.gb-seconds", nil
	default:
		return "", fmt.Errorf("%w: functions run on x86_64 or arm64, not on %q", ErrUnknown, architecture)
	}
}

// Invocation returns what one invocation costs in US dollars, for its request and its billed
// duration, at the prices of the first tier.
func (t *Table) Invocation(architecture string, memoryMB float64, billed time.Duration) (float64, error) {
	name, err := DurationPrice(architecture)
	if err != nil {
		return 0, err
	}
	duration, err := t.Price(name)
	if err != nil {
		return 0, err
	}
	request, err := t.Price("lambda.requests")
	if err != nil {
		return 0, err
	}
	return request.USD(1) + duration.USD(GBSeconds(memoryMB, billed)), nil
}
