package worker

// HangStore makes probes of the store hang, as with a dead file server, until respond is called.
// Probes that hang then succeed.
func (w *Worker) HangStore() (respond func()) {
	hung := make(chan struct{})
	w.probe.DoChan("", func() (any, error) { <-hung; return nil, nil })
	return func() { close(hung) }
}
