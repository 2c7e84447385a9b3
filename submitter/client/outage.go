package client

import "sync"

// An Outage reports when the API becomes unavailable and when it responds again. Calls that wait at
// the same time share one, so that this is reported once. It is safe for concurrent use. A nil
// *Outage reports nothing; in any other one, both functions are set.
type Outage struct {
	Began func(error) // called when the first call begins to wait, with the reason
	Ended func()      // called when the last one has had a response again

	mu      sync.Mutex
	waiting int // calls that wait
}

// Begin is called by a call that begins to wait, because of err.
func (o *Outage) Begin(err error) {
	if o == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.waiting++; o.waiting == 1 {
		o.Began(err)
	}
}

// End is called by a waiting call when the API has responded.
func (o *Outage) End() {
	if o != nil && o.remove() == 0 {
		o.Ended()
	}
}

// Abandon is called by a waiting call that gives up.
func (o *Outage) Abandon() {
	if o != nil {
		o.remove()
	}
}

func (o *Outage) remove() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiting--
	return o.waiting
}
