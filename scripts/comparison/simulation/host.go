package simulation

// A host works on several tasks at once. They run at full speed as long as there are as many
// processors as they demand together; otherwise all slow down by the same factor.
type host struct {
	processors float64
	slowdown   float64 // share by which tasks take longer while others occupy all other processors
	running    []task
	demand     float64 // processors that the running tasks would occupy
	progress   float64 // work done per job since the host was last idle
	updated    float64 // when progress was last computed
	used       float64 // processor seconds until then
	version    uint32  // of the event at the end of the next task
	next       float64 // progress at which the next task ends
	speed      float64 // speed for which the event was scheduled; 0: there is none
}

// A task is a job on a host, or a part of one.
type task struct {
	job    int
	demand float64 // processors that it occupies at full speed
	ends   float64 // progress of the host at which its work is done
}

func (h *host) currentSpeed() float64 {
	speed := 1.0
	if h.demand > h.processors {
		speed = h.processors / h.demand
	}
	if n := float64(len(h.running)); h.slowdown > 0 && n > 1 && h.processors > 1 {
		others := h.demand * (n - 1) / n // of the other tasks, averaged over the tasks
		speed /= 1 + h.slowdown*min(1, others/(h.processors-1))
	}
	return speed
}

func (h *host) advance(now float64) {
	if len(h.running) == 0 {
		h.progress, h.demand = 0, 0 // prevents rounding errors from adding up
	} else {
		h.progress += (now - h.updated) * h.currentSpeed()
		h.used += (now - h.updated) * min(h.demand, h.processors)
	}
	h.updated = now
}

// begin starts work on a job.
func (c *core) begin(h *host, subject int32, job int) {
	j := &c.jobs[job]
	j.Begun, j.Worker = c.now, subject
	c.occupy(h, subject, task{job: job, demand: 1}, j.Work)
}

// occupy starts a task on a host; work is its seconds at full speed.
func (c *core) occupy(h *host, subject int32, t task, work float64) {
	h.advance(c.now)
	t.ends = h.progress + work
	h.running = append(h.running, t)
	h.demand += t.demand
	c.schedule(h, subject)
}

// schedule ensures that there is an event for the end of the next task.
func (c *core) schedule(h *host, subject int32) {
	if len(h.running) == 0 {
		h.speed = 0
		return
	}
	next := h.running[0].ends
	for _, t := range h.running[1:] {
		next = min(next, t.ends)
	}
	speed := h.currentSpeed()
	if h.speed == speed && h.next == next {
		return
	}
	h.version++
	h.next, h.speed = next, speed
	c.events.push(event{at: c.now + max(0, next-h.progress)/speed, kind: jobDone, subject: subject, version: h.version})
}

// complete removes the tasks that end now from the host and calls done for each, which must not
// change the host. It returns false if the event has been superseded.
func (c *core) complete(h *host, e event, done func(job int)) bool {
	if e.version != h.version || h.speed == 0 {
		return false
	}
	h.advance(c.now)
	h.progress, h.speed = h.next, 0 // exactly, without rounding errors
	for i := 0; i < len(h.running); {
		t := h.running[i]
		if t.ends > h.progress {
			i++
			continue
		}
		h.running[i] = h.running[len(h.running)-1]
		h.running = h.running[:len(h.running)-1]
		h.demand -= t.demand
		done(t.job)
	}
	c.schedule(h, e.subject)
	return true
}
