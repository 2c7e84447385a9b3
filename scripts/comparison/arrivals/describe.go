package arrivals

import "math"

// A Description has the statistics of a pattern of arrivals. Values that need whole hours, or more
// of them than the pattern has, are NaN.
type Description struct {
	Jobs    int
	PerHour float64 // mean rate
	// Index of dispersion (variance over mean) of the jobs in each window of 60, 600 and 3600
	// seconds: 1 for Poisson.
	Dispersion60, Dispersion600, Dispersion3600 float64
	PeakHour                                    float64 // jobs in the busiest hour over the mean
	EmptyHours                                  float64 // share of hours without a job, 0 to 1
	Autocorrelation1, Autocorrelation24         float64 // of hourly counts, at 1 and 24 hours
	GapsOver300                                 float64 // share of gaps between arrivals over 300 s
}

// Describe returns the statistics of a pattern of duration seconds.
func Describe(times []float64, duration float64) Description {
	d := Description{Jobs: len(times)}
	if len(times) == 0 || !(duration > 0) {
		return d
	}
	d.PerHour = float64(len(times)) / duration * secondsPerHour
	d.Dispersion60, _, _ = counts(times, duration, 60)
	d.Dispersion600, _, _ = counts(times, duration, 600)
	var hourly []float64
	d.Dispersion3600, d.PeakHour, hourly = counts(times, duration, secondsPerHour)
	d.Autocorrelation1 = autocorrelation(hourly, 1)
	d.Autocorrelation24 = autocorrelation(hourly, 24)
	for _, n := range hourly {
		if n == 0 {
			d.EmptyHours += 1 / float64(len(hourly))
		}
	}
	for i := 1; i < len(times); i++ {
		if times[i]-times[i-1] > 300 {
			d.GapsOver300 += 1 / float64(len(times)-1)
		}
	}
	return d
}

func counts(times []float64, duration, window float64) (dispersion, peak float64, bins []float64) {
	bins = make([]float64, int(duration/window))
	for _, t := range times {
		if i := int(t / window); i < len(bins) {
			bins[i]++
		}
	}
	if len(bins) == 0 {
		return math.NaN(), math.NaN(), nil
	}
	sum, squares := 0.0, 0.0
	for _, n := range bins {
		sum += n
		squares += n * n
		peak = max(peak, n)
	}
	mean := sum / float64(len(bins))
	return (squares/float64(len(bins)) - mean*mean) / mean, peak / mean, bins
}

func autocorrelation(bins []float64, lag int) float64 {
	if len(bins) <= lag {
		return math.NaN()
	}
	mean := 0.0
	for _, n := range bins {
		mean += n / float64(len(bins))
	}
	covariance, variance := 0.0, 0.0
	for i, n := range bins {
		variance += (n - mean) * (n - mean)
		if i+lag < len(bins) {
			covariance += (n - mean) * (bins[i+lag] - mean)
		}
	}
	return covariance / variance
}
