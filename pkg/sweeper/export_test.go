package sweeper

// Limit has a sweep look at the oldest jobs, as many as given, and then so many times at the next folders, as if its time
// were over.
func (s *Sweeper) Limit(oldest, looks int) { s.oldest, s.looks = oldest, looks }
