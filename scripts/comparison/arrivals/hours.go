package arrivals

// HoursWithJobs returns the number of whole hours, counted from the beginning, that contain at
// least one of the times. The times are seconds, sorted.
func HoursWithJobs(times []float64) (n float64) {
	last := -1
	for _, t := range times {
		if h := int(t / secondsPerHour); h != last {
			n, last = n+1, h
		}
	}
	return n
}
