package api_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// A job with a damaged record can be erased by the same callers as before; if the owner is
// unreadable, only by those who may erase all jobs.
func TestDamagedJobsAreErased(t *testing.T) {
	const status, outcome, spec = "status.json", "final.1", "spec.json"
	for _, tt := range []struct {
		as      string
		damaged []string
		status  int
		code    string
	}{
		{"right", []string{status, outcome}, 204, ""},
		{"admin", []string{status, outcome}, 204, ""},
		{"keyless", []string{status, outcome}, 204, ""},
		{"other", []string{status, outcome}, 404, "not_found"},
		{"read", []string{status, outcome}, 403, "forbidden"},
		{"none", []string{status, outcome}, 401, "unauthorized"},
		{"admin", []string{status, outcome, spec}, 204, ""},
		{"keyless", []string{status, outcome, spec}, 204, ""},
		{"right", []string{status, outcome, spec}, 500, "internal"},
		{"other", []string{status, outcome, spec}, 500, "internal"},
	} {
		name := tt.as
		if len(tt.damaged) == 3 {
			name += ", the spec too"
		}
		t.Run(name, func(t *testing.T) {
			g := serveWithKeys(t)
			id := g.submitAs("right", field{name: "public", value: "true"}).ID
			result := job.Result{Width: 60, Height: 40, ContentType: "image/jpeg"}
			if err := g.begun(id).Succeed(jpegPicture(t), nil, result, job.Receipt{Worker: "daemon"}); err != nil {
				t.Fatal(err)
			}
			for _, name := range tt.damaged {
				path := filepath.Join(g.store.Dir(), "jobs", id.Folder(), string(id), name)
				if err := os.WriteFile(path, []byte("damaged"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			resp, body := g.request(tt.as, "DELETE", "/v1/jobs/"+string(id), "", nil)
			if tt.code != "" {
				wantProblem(t, resp, body, tt.status, tt.code, "")
			} else if resp.StatusCode != tt.status {
				t.Errorf("%s %s", resp.Status, body)
			}
			for _, name := range store.Published(id, "jpeg", true) {
				_, err := os.Stat(filepath.Join(g.store.PublishedDir(), name))
				if os.IsNotExist(err) != (tt.code == "") {
					t.Errorf("published/%s: %v", name, err)
				}
			}
		})
	}
}
