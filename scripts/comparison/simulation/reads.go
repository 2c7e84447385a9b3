package simulation

// reads are the reads of environments that start at the same time from one file system. All read
// the same number of bytes and share the throughput equally, each up to its own limit, so they end
// in the order in which they began.
type reads struct {
	bytes      float64 // bytes per environment
	throughput float64 // bytes a second of all together; 0 for no limit
	each       float64 // maximum bytes a second of one; 0 for no limit
	readers    []reader
	progress   float64 // bytes read by a reader that has been reading from the beginning
	updated    float64
	version    uint32
}

type reader struct {
	environment int32
	ends        float64 // progress at which it has read everything
}

// rate returns the bytes a second of each of the current readers; 0 for no limit.
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

// read begins the reads of an environment. It returns false if they take no time.
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

// hasRead returns the environment that has read everything, and false for a superseded event.
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
