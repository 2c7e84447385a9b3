package api_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/style"
)

// While too many jobs wait, or too many have waited too long, submissions are refused with
// Retry-After, and other requests succeed.
func TestBacklogRefusesSubmissions(t *testing.T) {
	const limit = 400
	now := time.Now()
	for name, c := range map[string]struct {
		quotas  store.Quotas
		backlog store.Backlog
		after   int // seconds; 0 is that it is accepted
	}{
		"as many as may":                 {store.Quotas{Backlog: limit}, store.Backlog{At: now, Unfinished: limit}, 900},
		"600 too many, 2 fewer a second": {store.Quotas{Backlog: limit}, store.Backlog{At: now, Unfinished: limit + 599, PerSecond: 2}, 300},
		"one too many, many fewer":       {store.Quotas{Backlog: limit}, store.Backlog{At: now, Unfinished: limit, PerSecond: 50}, 60},
		"a hundred are late":             {store.Quotas{Backlog: limit}, store.Backlog{At: now, Unfinished: limit - 1, Late: 100}, 900},
		"600 are late, 2 fewer a second": {store.Quotas{Backlog: 1e6}, store.Backlog{At: now, Unfinished: 900, Late: 699, PerSecond: 2}, 300},
		"fewer than may":                 {store.Quotas{Backlog: limit}, store.Backlog{At: now, Unfinished: limit - 1}, 0},
		"some are late":                  {store.Quotas{Backlog: limit}, store.Backlog{At: now, Unfinished: limit - 1, Late: 99}, 0},
		"fewer than a hundredth is late": {store.Quotas{Backlog: 1e6}, store.Backlog{At: now, Unfinished: 20_000, Late: 199}, 0},
		"the last sweep is too old":      {store.Quotas{Backlog: limit}, store.Backlog{At: now.Add(-time.Hour), Unfinished: limit}, 0},
		"no limit":                       {store.Quotas{}, store.Backlog{At: now, Unfinished: 1 << 30, Late: 1 << 30}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t)
			fields := []field{{"image", "p.jpg", jpegPicture(t)}, {name: "style", value: style.Names()[0]}}
			first := s.submitUnder("one", fields...)
			if err := s.store.SetBacklog(c.backlog); err != nil {
				t.Fatal(err)
			}
			s = s.limited(c.quotas)
			if c.after == 0 {
				s.good()
				return
			}
			resp, body := s.post(form(t, fields...))
			wantProblem(t, resp, body, 503, "backlog_full", "nothing was accepted")
			if got := resp.Header.Get("Retry-After"); got != strconv.Itoa(c.after) {
				t.Errorf("Retry-After: %s, want %d", got, c.after)
			}
			if again := s.submitUnder("one", fields...); again.ID != first.ID {
				t.Errorf("an earlier request is answered with job %s, want %s", again.ID, first.ID)
			}
			if resp, body := s.get("/v1/jobs/" + string(first.ID)); resp.StatusCode != 200 {
				t.Errorf("%s %s", resp.Status, body)
			}
		})
	}
}
