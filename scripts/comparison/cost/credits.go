package cost

// Credits are the credits that bursting throughput earns in a month, and the credits that reads and
// writes use, in GB. A file system that has used all of its credits is slow, and its bill is not
// that of a working deployment.
type Credits struct {
	Earned, Used float64
}

// Credits returns the credits of a month. A file system earns 50 KiB/s for each GB of standard
// storage, and at least 1 MiB/s; reads use a third of their size
// (docs.aws.amazon.com/efs/latest/ug/performance.html; repost.aws/knowledge-center,
// efs-choosing-correct-throughput-mode).
func (d Deployment) Credits(m Month) Credits {
	var read, written float64
	add := func(times float64, c Calls) {
		r, w := c.Metered()
		read, written = read+times*r, written+times*w
	}
	add(m.Pictures, m.Picture.Submission)
	add(m.Pictures, m.Picture.Painting)
	if d.Copies {
		add(m.Pictures, m.Picture.copying())
	}
	if d.Function != nil {
		add(m.Pictures*d.Function.ColdShare, d.Function.ColdCalls)
	}
	if d.Sweeps != nil {
		add(Minutes, d.Sweeps.Calls)
	}
	stored := m.Pictures * m.Picture.Stored * m.Kept / gib * (1 - m.Infrequent)
	return Credits{Earned: max(stored*50*kib, 1<<20) * Seconds / gib, Used: written + read/3}
}
