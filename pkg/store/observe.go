package store

// Observe reports each call to the file server to observe, with its kind, such as "list" or "rename", and its path,
// before the call is made: for programs that count calls. It must be called before the store is used. observe is called
// concurrently.
func (s *Store) Observe(observe func(op, path string)) {
	s.step = func(op, path string, call func() error) error {
		observe(op, path)
		return call()
	}
}
