package main

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/api/keyring"
	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/lambdatest"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
)

// Changed keys in S3 are used by a running function, without a deployment.
func TestKeysInS3(t *testing.T) {
	t.Parallel()
	locked, cfg := ministacktest.Start(t)
	b, err := bucket.Create(t.Context(), cfg, "config")
	if err != nil {
		t.Fatal(err)
	}
	made := func(owner string) (key, line string) {
		h, err := keyring.NewHolder(owner, []string{"submit", "read"})
		if err != nil {
			t.Fatal(err)
		}
		return keyring.New(h)
	}
	annas, anna := made("anna")
	bertas, berta := made("berta")
	put := func(lines ...string) {
		t.Helper()
		if _, err := b.Put(t.Context(), "keys", bytes.NewReader([]byte(strings.Join(lines, "\n"))), bucket.Put{}); err != nil {
			t.Fatal(err)
		}
	}
	f := startIn(t, locked.Environ(), "ATELIER_KEYS=s3://config/keys") // before there are any
	base := lambdatest.Gateway(t, f, lambdatest.DefaultStage)
	status := func(key string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"v1/jobs", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	// until waits for a key to be admitted, and returns how long that took.
	until := func(key string) time.Duration {
		t.Helper()
		began, again := time.Now(), time.NewTicker(100*time.Millisecond)
		defer again.Stop()
		for status(key) != http.StatusOK {
			if time.Since(began) > keyring.SourceEvery+5*time.Second {
				t.Fatalf("the key is not admitted; the log is\n%s", f.Log())
			}
			<-again.C
		}
		return time.Since(began)
	}
	if got := status(annas); got != http.StatusServiceUnavailable {
		t.Errorf("without an object: %d", got)
	}
	put(anna)
	until(annas)
	if got := status(bertas); got != http.StatusUnauthorized {
		t.Errorf("a key that is not in it: %d", got)
	}
	put(berta)
	if took := until(bertas); took > keyring.SourceEvery+2*time.Second {
		t.Errorf("a new key is admitted after %s", took)
	}
	if got := status(annas); got != http.StatusUnauthorized {
		t.Errorf("a revoked key: %d", got)
	}
}
