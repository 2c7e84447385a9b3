package arrivals

import (
	"fmt"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"
)

// The statistics of a published trace of 26,823 image generation jobs over 23 days (GenTD26,
// cluster-trace-v2026-GenAI, github.com/alibaba/clusterdata). None of its rows is included here.
const (
	// ImagesPerHour is the trace's mean rate of arrivals.
	ImagesPerHour = 48.5
	// ImagesDays is the length of the trace in days.
	ImagesDays = 23

	secondsPerHour = 3600
	secondsPerDay  = 24 * secondsPerHour

	// Shapes of the gamma distributions with mean 1 by which the rate of each hour and of each
	// quarter of an hour is multiplied.
	hourShape    = 18
	quarterShape = 8
)

// The mean rate in each hour of the day, counted from the trace's beginning, and on each of its
// days, both as multiples of the overall mean rate.
var (
	imagesByHour = [24]float64{
		2.01, 2.51, 0.60, 0.93, 2.90, 3.04, 3.12, 3.48, 1.05, 1.03, 1.11, 0.61,
		0.32, 0.30, 0.24, 0.11, 0.04, 0.03, 0.00, 0.00, 0.00, 0.00, 0.03, 0.53,
	}
	imagesByDay = [ImagesDays]float64{
		0.09, 0.08, 0.10, 0.06, 0.65, 1.24, 1.29, 1.21, 0.09, 1.30, 1.38, 1.39,
		1.38, 1.66, 0.26, 0.25, 1.55, 2.30, 1.97, 2.16, 1.86, 0.49, 0.23,
	}
)

// Images returns a synthetic pattern of arrivals with statistics similar to those of a recorded trace
// of image jobs, for use without the trace: a Poisson process whose rate is the product of the trace's
// profile by hour of the day, its profile by day (repeated after 23 days), and gamma-distributed
// factors for each hour and each quarter of an hour. meanPerHour is the mean over 23 days,
// [ImagesPerHour] in the trace.
//
// Matched at the trace's rate, as the mean of many patterns of 23 days: the mean rate within 3%;
// the index of dispersion of counts in 60 s, 600 s and an hour, and the autocorrelation of hourly
// counts at 1 and 24 hours, within 15%; the busiest hour over the mean hour within 25%. Only
// roughly matched: a quarter of the hours have no job (in the trace a third), and 3% of the gaps
// are over 300 s (in the trace 2%). Not reproduced: several arrivals at the same second, because
// the trace's times are whole seconds.
func Images(random *rand.Rand, meanPerHour float64, days int) ([]float64, error) {
	if days < 1 {
		return nil, fmt.Errorf("a pattern needs at least one day, not %d", days)
	}
	if err := check(meanPerHour/secondsPerHour, float64(days)*secondsPerDay, 3*meanPerHour*24*float64(days)); err != nil {
		return nil, err
	}
	byHour := distuv.Gamma{Alpha: hourShape, Beta: hourShape, Src: random}
	byQuarter := distuv.Gamma{Alpha: quarterShape, Beta: quarterShape, Src: random}
	const quarter = secondsPerHour / 4
	var times []float64
	for hour := range days * 24 {
		rate := meanPerHour / secondsPerHour / profileMean *
			imagesByHour[hour%24] * imagesByDay[hour/24%len(imagesByDay)] * byHour.Rand()
		for i := range 4 {
			begin := float64(hour*secondsPerHour + i*quarter)
			times = poisson(random, times, rate*byQuarter.Rand(), begin, begin+quarter)
			if len(times) > MaxArrivals {
				return nil, tooMany(float64(len(times)))
			}
		}
	}
	return times, nil
}

// profileMean is the mean of the product of both profiles. It is near 1, because they are rounded.
var profileMean = func() float64 {
	hours, days := 0.0, 0.0
	for _, h := range imagesByHour {
		hours += h
	}
	for _, d := range imagesByDay {
		days += d
	}
	return hours / 24 * days / float64(len(imagesByDay))
}()
