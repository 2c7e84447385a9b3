package measurement

// Seconds returns the time of a picture that is used for a variant: the billed time with a
// function's share of the processors, otherwise the time in the handler.
func (v Variant) Seconds(j Job) float64 {
	if v.CPUs() > 0 {
		return j.Billed
	}
	return j.Handler
}

// Times returns the seconds of a run's warm pictures, and for cold ones the seconds beyond the mean
// of the warm ones, including starts; failed jobs are left out. Without a warm picture both are
// empty.
func (r *Run) Times() (warm, start []float64) {
	v := r.Header.Variant
	sum := 0.0
	for _, j := range r.Jobs {
		if !j.Cold && j.Failed == "" {
			warm = append(warm, v.Seconds(j))
			sum += v.Seconds(j)
		}
	}
	if len(warm) == 0 {
		return nil, nil
	}
	for _, j := range r.Jobs {
		if !j.Cold || j.Failed != "" {
			continue
		}
		took := j.Billed
		if v.CPUs() == 0 {
			took = j.Start + j.Handler
		}
		start = append(start, max(0, took-sum/float64(len(warm))))
	}
	return warm, start
}
