package api_test

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/api/keyring"
)

// While the file of keys has been unreadable for too long, requests get 503 with Retry-After
// instead of 401, so that no client believes that its key is wrong.
func TestUnreadableKeys(t *testing.T) {
	key, line := keyring.New(keyring.Holder{Owner: "anna", Scopes: []keyring.Scope{keyring.Read, keyring.Admin}})
	path := filepath.Join(t.TempDir(), "keys")
	store := func() {
		t.Helper()
		if err := os.WriteFile(path, []byte(line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	store()
	var ring *keyring.Ring
	synctest.Test(t, func(t *testing.T) { // whose clock shows the year 2000: the file has been away since
		var err error
		if ring, err = keyring.Open(path, slog.New(slog.DiscardHandler)); err == nil {
			err = os.Remove(path)
		}
		if err != nil {
			t.Fatal(err)
		}
		ring.Status()
	})
	s := serve(t, func(c *api.Config) { c.Keys = ring })
	ask := func(path, key string) (*http.Response, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if key != "" {
			req.Header.Set("Authorization", "Bearer "+key)
		}
		resp, body := s.do(req)
		return resp, string(body)
	}
	for _, path := range []string{"/v1/jobs", "/v1/jobs/0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f"} {
		if resp, body := ask(path, key); resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" || !strings.Contains(body, `"unavailable"`) {
			t.Errorf("%s: %s: %s", path, resp.Status, body)
		}
	}
	if resp, _ := ask("/v1/jobs", ""); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a key: %s", resp.Status)
	}
	if resp, _ := ask("/v1/gallery", ""); resp.StatusCode != http.StatusOK {
		t.Errorf("what is public: %s", resp.Status)
	}
	store()
	if resp, body := ask("/v1/jobs", key); resp.StatusCode != http.StatusOK {
		t.Errorf("it is back: %s: %s", resp.Status, body)
	}
}
