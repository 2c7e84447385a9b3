package datasync

import "time"

// SetLimits changes the number of names in a manifest and the time for which a step scans.
func (c *Copier) SetLimits(names int, scan time.Duration) { c.maxNames, c.scanTime = names, scan }
