package measurement

// Seconds is the time of a picture that counts for a variant: what is billed of one held to a function's share of the
// processors, what the handler took of any other.
func (v Variant) Seconds(j Job) float64 {
	if v.CPUs() > 0 {
		return j.Billed
	}
	return j.Handler
}

// Times are the seconds of a run's warm pictures, and what its cold ones took beyond their mean, starts
// included; those that failed are left out. Without a warm one both are empty.
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
