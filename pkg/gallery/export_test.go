package gallery

// SetMaxJobs sets the maximum of jobs on a page.
func (g *Gallery) SetMaxJobs(n int) { g.maxJobs = n }
