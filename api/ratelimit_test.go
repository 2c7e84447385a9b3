package api_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/pkg/style"
)

// slow allows one submission in a thousand seconds, so that only the first one of a test is
// allowed.
func slow(c *api.Config) { c.Shares.Rate = 0.001 }

func TestSubmissionsAreLimitedByOwner(t *testing.T) {
	g := serveWithKeys(t, slow)
	contentType, body := form(t, field{"image", "p.jpg", jpegPicture(t)}, field{name: "style", value: style.Names()[0]})
	for _, tt := range []struct {
		as   string
		code string
	}{
		{"right", ""}, {"right", "rate_limited"}, {"submit", "rate_limited"}, // another key of the same owner
		{"other", ""}, {"other", "rate_limited"}, {"keyless", ""}, {"keyless", "rate_limited"},
		{"none", "unauthorized"}, {"read", "forbidden"},
	} {
		before := g.files()
		resp, answer := g.request(tt.as, "POST", "/v1/jobs", contentType, body)
		switch tt.code {
		case "":
			if resp.StatusCode != http.StatusAccepted {
				t.Errorf("%s: %s %s", tt.as, resp.Status, answer)
			}
			continue
		case "rate_limited":
			wantProblem(t, resp, answer, 429, tt.code, "0.001 changes a second")
			if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err != nil || s < 900 || s > 1000 {
				t.Errorf("%s: Retry-After %q", tt.as, resp.Header.Get("Retry-After"))
			}
		}
		if after := g.files(); after != before {
			t.Errorf("%s: %d files became %d", tt.as, before, after)
		}
	}
	// Nothing else is limited.
	if resp, _ := g.request("right", "GET", "/v1/jobs", "", nil); resp.StatusCode != http.StatusOK {
		t.Errorf("a list: %s", resp.Status)
	}
}

func TestBurstsAreAllowed(t *testing.T) {
	s := serve(t, func(c *api.Config) { c.Shares.Rate = 0.5 }) // five at once, and the next within two seconds
	contentType, body := form(t, field{"image", "p.jpg", jpegPicture(t)}, field{name: "style", value: style.Names()[0]})
	for i := range 5 {
		if resp, answer := s.post(contentType, body); resp.StatusCode != http.StatusAccepted {
			t.Errorf("number %d: %s %s", i+1, resp.Status, answer)
		}
	}
}

func TestInvalidShares(t *testing.T) {
	s := serve(t)
	for name, shares := range map[string]api.Shares{
		"a rate below 0":             {Rate: -1},
		"no upload":                  {Uploads: -1},
		"a memory that is too small": {UploadMemory: 40},
		"too many requests":          {Requests: 1e7},
	} {
		if _, err := api.New(api.Config{Store: s.store, Queue: s.queue, Shares: shares}); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
