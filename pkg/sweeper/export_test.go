package sweeper

// Limit makes each sweep check about oldestLimit of the oldest jobs, and then as many chunks of
// folders, as if its time were over then.
func (s *Sweeper) Limit(oldestLimit, chunks int) { s.oldestLimit, s.chunkLimit = oldestLimit, chunks }
