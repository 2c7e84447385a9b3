package lambdatest

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
)

// An AWS is an endpoint for all of AWS's services which counts requests, and refuses or
// answers them.
type AWS struct {
	URL string

	mu       sync.Mutex
	requests []string
}

// NewAWS starts one. answer may be nil: then every request is refused.
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

// Requests are the operations so far: a service's and operation's names, such as
// AmazonSQS.SendMessage, or method and path.
func (a *AWS) Requests() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string{}, a.requests...)
}

// Environ is the environment of a program that is to use this endpoint and nothing else.
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
