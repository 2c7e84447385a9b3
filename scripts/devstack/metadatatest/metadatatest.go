// Package metadatatest provides tests with an emulator of EC2's instance metadata service.
package metadatatest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// A Service is version 2 of the service, which needs a token. Its metadata is the one item that
// Announce has set last. It is safe for concurrent use.
type Service struct {
	items atomic.Pointer[map[string]string]
}

// Announce sets the one item: path is below latest/meta-data/, and an empty notice removes it.
func (s *Service) Announce(path, notice string) {
	s.items.Store(&map[string]string{"/latest/meta-data/" + path: notice})
}

// ServeHTTP serves tokens and the metadata.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const token = "token"
	items := s.items.Load()
	switch {
	case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token":
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")
		fmt.Fprint(w, token)
	case r.Header.Get("X-Aws-Ec2-Metadata-Token") != token:
		w.WriteHeader(http.StatusUnauthorized)
	case items == nil || (*items)[r.URL.Path] == "":
		w.WriteHeader(http.StatusNotFound)
	default:
		fmt.Fprint(w, (*items)[r.URL.Path])
	}
}

// Start serves a [Service] until the test ends.
func Start(t *testing.T) (url string, announce func(path, notice string)) {
	t.Helper()
	service := new(Service)
	s := httptest.NewServer(service)
	t.Cleanup(s.Close)
	return s.URL, service.Announce
}
