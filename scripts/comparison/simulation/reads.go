package simulation

// reads are those of environments that start at the same time from one file system. All
// read the same number of bytes and share the throughput equally, each up to a limit of
// its own, so that they end in the order in which they began.
type reads struct {
	bytes      float64 // that each reads
	throughput float64 // bytes a second for all together; 0 for no limit
	each       float64 // bytes a second for one; 0 for no limit
	readers    []reader
	progress   float64 // bytes that a reader has read that was there from the beginning
	updated    float64
	version    uint32
}

type reader struct {
	environment int32
	ends        float64 // progress at which it has read all
}

// rate is the bytes a second that each of n readers gets; 0 for no limit.
func (r *reads) rate() float64 {
	rate := r.each
	if r.throughput > 0 {
		if share := r.throughput / float64(len(r.readers)); rate == 0 || share < rate {
			rate = share
		}
	}
	return rate
}

func (r *reads) advance(now float64) {
	if len(r.readers) == 0 {
		r.progress = 0
	} else {
		r.progress += (now - r.updated) * r.rate()
	}
	r.updated = now
}

// read begins the reads of an environment, and reports false where they take no time.
func (c *core) read(r *reads, environment int32) bool {
	c.usage.ColdReadBytes += r.bytes
	if r.bytes == 0 || (r.throughput == 0 && r.each == 0) {
		return false
	}
	r.advance(c.now)
	r.readers = append(r.readers, reader{environment, r.progress + r.bytes})
	c.scheduleRead(r)
	return true
}

func (c *core) scheduleRead(r *reads) {
	r.version++
	if len(r.readers) > 0 {
		left := max(0, r.readers[0].ends-r.progress)
		c.events.push(event{at: c.now + left/r.rate(), kind: readDone, version: r.version})
	}
}

// hasRead returns the environment that has read all, and false for a superseded event.
func (c *core) hasRead(r *reads, e event) (int32, bool) {
	if e.version != r.version {
		return 0, false
	}
	r.advance(c.now)
	first := r.readers[0]
	r.readers = r.readers[1:]
	r.progress = first.ends
	c.scheduleRead(r)
	return first.environment, true
}
