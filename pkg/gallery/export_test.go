package gallery

// SetMost has pages be of so many jobs at most.
func (g *Gallery) SetMost(n int) { g.most = n }
