package api_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/style"
)

// A jobPage is a page of a list, with the JSON of its jobs.
type jobPage struct {
	Jobs []job.Job
	Next *string `json:"next_cursor"`
}

func (s *service) jobPage(path string) (p jobPage) {
	s.Helper()
	resp, body := s.get(path)
	if err := json.Unmarshal(body, &p); err != nil || resp.StatusCode != http.StatusOK || p.Jobs == nil || !strings.Contains(string(body), `"next_cursor":`) {
		s.Fatalf("%s: %s %s", path, resp.Status, body)
	}
	return p
}

// listed reads a list page by page.
func (s *service) listed(path, query string) (ids []job.ID, pages int) {
	s.Helper()
	p := s.jobPage(path + "?" + query)
	for pages = 1; ; pages++ {
		for _, j := range p.Jobs {
			ids = append(ids, j.ID)
		}
		if p.Next == nil {
			return ids, pages
		}
		p = s.jobPage(path + "?" + query + "&cursor=" + url.QueryEscape(*p.Next))
	}
}

func TestLists(t *testing.T) {
	s := serve(t)
	if p := s.jobPage("/v1/jobs"); len(p.Jobs) != 0 || p.Next != nil {
		t.Errorf("an empty store: %+v", p)
	}
	byState := map[job.State][]job.ID{}
	var all []job.ID // newest first
	for range 2 {
		for _, state := range []job.State{job.Queued, job.Running, job.Succeeded, job.Failed, job.Canceled} {
			id := s.in(state)
			all = slices.Insert(all, 0, id)
			byState[state] = slices.Insert(byState[state], 0, id)
		}
	}
	private := s.submit(field{"image", "p.jpg", jpegPicture(t)}, field{name: "style", value: style.Names()[0]}, field{name: "public", value: "false"}).ID
	if err := s.claim(private, 1).Succeed(jpegPicture(t), nil, job.Result{ContentType: "image/jpeg"}, job.Receipt{}); err != nil {
		t.Fatal(err)
	}
	all, byState[job.Succeeded] = slices.Insert(all, 0, private), slices.Insert(byState[job.Succeeded], 0, private)
	s.in("gone")

	if got, pages := s.listed("/v1/jobs", ""); !slices.Equal(got, all) || pages != 1 {
		t.Errorf("all: got %v in %d pages, want %v", got, pages, all)
	}
	if got, pages := s.listed("/v1/jobs", "limit=3"); !slices.Equal(got, all) || pages < 4 {
		t.Errorf("in pages of 3: got %v in %d pages, want %v", got, pages, all)
	}
	for state, want := range byState {
		if got, _ := s.listed("/v1/jobs", "limit=1&state="+string(state)); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", state, got, want)
		}
	}
	if got, _ := s.listed("/v1/jobs", "state=expired"); len(got) != 0 {
		t.Errorf("expired: got %v", got)
	}
	if got, _ := s.listed("/v1/gallery", "limit=1"); !slices.Equal(got, byState[job.Succeeded][1:]) {
		t.Errorf("the gallery: got %v, want %v", got, byState[job.Succeeded][1:])
	}
	// A job reads the same everywhere.
	first := s.jobPage("/v1/gallery?limit=1").Jobs[0]
	if first.Result.URL != "v1/jobs/"+string(first.ID)+"/result" {
		t.Errorf("the gallery's first: %+v", first.Result)
	}
	for _, path := range []string{"/v1/jobs", "/v1/gallery"} {
		for _, query := range []string{"limit=0", "limit=101", "limit=-1", "limit=many", "cursor=x", "cursor=" + string(all[0]), "cursor=AAAAAAAAAAAAAAAAAAAAAA", "cursor=" + strings.Repeat("A", 5000)} {
			resp, body := s.get(path + "?" + query)
			field, _, _ := strings.Cut(query, "=")
			wantProblem(t, resp, body, 422, "invalid_field", field)
		}
	}
	for _, state := range []string{"done", "Queued", "queued,running"} {
		resp, body := s.get("/v1/jobs?state=" + state)
		wantProblem(t, resp, body, 422, "invalid_field", "state")
	}
}

// A page of the gallery can end at a private job, whose id must not be in the cursor; the pages are
// complete nevertheless.
func TestCursorsContainNoIDs(t *testing.T) {
	s := serve(t)
	shown := []job.ID{s.in(job.Succeeded)}
	private := map[job.ID]bool{}
	for range 501 { // more than one request looks at
		id, err := job.NewID()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.store.Create(&job.Spec{ID: id, Owner: "anna", Style: style.Names()[0], Format: "jpeg", Quality: 90, CreatedAt: id.Time()}, []byte("picture"), nil); err != nil {
			t.Fatal(err)
		}
		private[id] = true
	}
	shown = slices.Insert(shown, 0, s.in(job.Succeeded))
	cursor, pages := "", 0
	var got []job.ID
	for {
		p := s.jobPage("/v1/gallery?limit=100&cursor=" + url.QueryEscape(cursor))
		pages++
		for _, j := range p.Jobs {
			got = append(got, j.ID)
		}
		if p.Next == nil {
			break
		}
		cursor = *p.Next
		b, err := base64.RawURLEncoding.DecodeString(cursor)
		if err != nil {
			t.Fatal(err)
		}
		if u, err := uuid.FromBytes(b); err == nil && private[job.ID(u.String())] {
			t.Errorf("the cursor %s is the private job %s", cursor, u)
		}
	}
	if !slices.Equal(got, shown) || pages < 2 {
		t.Errorf("got %v in %d pages, want %v in several", got, pages, shown)
	}
}
