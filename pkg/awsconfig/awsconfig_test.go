package awsconfig_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/awsconfig"
)

// bare removes the AWS settings of the environment in which the tests run.
func bare(t *testing.T) {
	t.Helper()
	for _, setting := range os.Environ() {
		if name, _, _ := strings.Cut(setting, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
}

// metadata starts an instance metadata service that requires IMDSv2's session tokens.
func metadata(t *testing.T) (requests *atomic.Int32) {
	t.Helper()
	requests = new(atomic.Int32)
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /latest/api/token", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "300")
		fmt.Fprint(w, "session")
	})
	mux.HandleFunc("GET /latest/dynamic/instance-identity/document", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Aws-Ec2-Metadata-Token") != "session" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, `{"region":"eu-central-1"}`)
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.URL)
	return requests
}

func TestRegionOfTheInstance(t *testing.T) {
	bare(t)
	metadata(t)
	cfg, err := awsconfig.Load(t.Context())
	if err != nil || cfg.Region != "eu-central-1" {
		t.Errorf("got %q, %v", cfg.Region, err)
	}
}

func TestRegionThatIsSet(t *testing.T) {
	bare(t)
	requests := metadata(t)
	t.Setenv("AWS_REGION", "eu-west-1")
	cfg, err := awsconfig.Load(t.Context())
	if err != nil || cfg.Region != "eu-west-1" || requests.Load() > 0 {
		t.Errorf("got %q, %v, after %d requests to the metadata service", cfg.Region, err, requests.Load())
	}
}

func TestNoRegion(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts connections and never responds
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for name, set := range map[string]func(t *testing.T){
		"the metadata service does not respond": func(t *testing.T) {
			t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://"+silent.Addr().String())
		},
		"connection refused": func(t *testing.T) { t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1") },
		"it is disabled":     func(t *testing.T) { t.Setenv("AWS_EC2_METADATA_DISABLED", "true") },
		"there is no route":  func(t *testing.T) { t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://192.0.2.1") },
		"IMDSv1 is not used": func(t *testing.T) { withoutTokens(t) },
	} {
		t.Run(name, func(t *testing.T) {
			bare(t)
			set(t)
			began := time.Now()
			_, err := awsconfig.Load(t.Context())
			if err == nil || !strings.Contains(err.Error(), "set AWS_REGION") {
				t.Errorf("got %v", err)
			}
			if took := time.Since(began); took > 4*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// withoutTokens starts a metadata service that supports only IMDSv1.
func withoutTokens(t *testing.T) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		fmt.Fprint(w, `{"region":"eu-central-1"}`)
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.URL)
}
