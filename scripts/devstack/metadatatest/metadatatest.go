// Package metadatatest provides tests with an emulator of EC2's instance metadata service.
package metadatatest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// Start serves version 2 of the service, which requires a token, until the test ends. Its metadata
// is the single item that announce has set last: path is below latest/meta-data/, and an empty
// notice removes it. announce is safe for concurrent use.
func Start(t *testing.T) (url string, announce func(path, notice string)) {
	t.Helper()
	var items atomic.Pointer[map[string]string]
	const token = "token"
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token":
			w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")
			fmt.Fprint(w, token)
		case r.Header.Get("X-Aws-Ec2-Metadata-Token") != token:
			w.WriteHeader(http.StatusUnauthorized)
		case items.Load() == nil || (*items.Load())[r.URL.Path] == "":
			w.WriteHeader(http.StatusNotFound)
		default:
			fmt.Fprint(w, (*items.Load())[r.URL.Path])
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, func(path, notice string) { items.Store(&map[string]string{"/latest/meta-data/" + path: notice}) }
}
