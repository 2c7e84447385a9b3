package store

// Observe makes the store call observe before each call to the file server, with the call's kind,
// such as "readdir" or "rename", and its path. It is for programs that count calls. It must be
// called before the store is used in another way. observe must be safe for concurrent use.
func (s *Store) Observe(observe func(op, path string)) {
	s.step = func(op, path string, call func() error) error {
		observe(op, path)
		return call()
	}
}
