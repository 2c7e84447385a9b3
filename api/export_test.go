package api

// Patterns returns the patterns of the routes, such as GET /v1/jobs/{id}.
func (s *Server) Patterns() []string { return s.mux.patterns }
