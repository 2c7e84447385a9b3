package api

// Patterns are those of the routes, such as GET /v1/jobs/{id}.
func (s *Server) Patterns() []string { return s.mux.patterns }
