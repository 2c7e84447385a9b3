package worker

// HangStore makes a check of the store one that does not come back, as it is when
// the file server is dead, until back is called.
func (w *Worker) HangStore() (back func()) {
	c := &storeCheck{done: make(chan struct{})}
	w.probe.mu.Lock()
	defer w.probe.mu.Unlock()
	w.probe.current = c
	return func() {
		w.probe.mu.Lock()
		defer w.probe.mu.Unlock()
		w.probe.current = nil
		close(c.done)
	}
}
