package lambdatest

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
)

// An AWS is a server that takes the place of all AWS services in a test. It records the requests,
// and refuses or answers them.
type AWS struct {
	URL string

	mu       sync.Mutex
	requests []string
}

// NewAWS starts a server that responds with answer. If answer is nil it refuses every request.
func NewAWS(t testing.TB, answer http.HandlerFunc) *AWS {
	t.Helper()
	a := new(AWS)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		operation := r.Header.Get("X-Amz-Target")
		if operation == "" {
			operation = r.Method + " " + r.URL.Path
		}
		a.mu.Lock()
		a.requests = append(a.requests, operation)
		a.mu.Unlock()
		if answer == nil {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	a.URL = server.URL
	return a
}

// Requests returns the requests so far, each as the names of its service and operation, such as
// AmazonSQS.SendMessage, or else as its method and path.
func (a *AWS) Requests() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string{}, a.requests...)
}

// Environ returns the environment for a program that sends all of its AWS requests to this server.
func (a *AWS) Environ() []string {
	var env []string
	for _, setting := range os.Environ() {
		if !strings.HasPrefix(setting, "AWS_") && !strings.HasPrefix(setting, "ATELIER_") {
			env = append(env, setting)
		}
	}
	return append(env, "AWS_ENDPOINT_URL="+a.URL, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_EC2_METADATA_DISABLED=true")
}
