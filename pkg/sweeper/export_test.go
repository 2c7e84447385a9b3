package sweeper

// Limit makes each sweep check so many of the oldest jobs, and then so many chunks of folders, as
// if its time were over then.
func (s *Sweeper) Limit(oldestLimit, chunks int) { s.oldestLimit, s.chunkLimit = oldestLimit, chunks }
