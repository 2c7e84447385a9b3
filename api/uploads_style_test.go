package api_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// putBoth stores two pictures in uploads of the caller.
func (s *service) putBoth(t *testing.T, photograph, style []byte, header ...string) (image, styleImage grant) {
	t.Helper()
	image, styleImage = s.upload(len(photograph), header...), s.upload(len(style), header...)
	for _, status := range []int{image.put(t, photograph), styleImage.put(t, style)} {
		if status != http.StatusOK {
			t.Fatalf("it was put: %d", status)
		}
	}
	return image, styleImage
}

// submitFields submits a form, and returns the response and the job in it.
func (s *service) submitFields(t *testing.T, fields []field, header ...string) (*http.Response, []byte, job.Job) {
	t.Helper()
	contentType, body := form(t, fields...)
	resp, answer := s.send("POST", "/v1/jobs", string(body), append(header, "Content-Type", contentType)...)
	var j job.Job
	_ = json.Unmarshal(answer, &j) // a problem
	return resp, answer, j
}

func byUploads(photograph, style grant) []field {
	return []field{{name: "upload_id", value: photograph.UploadID}, {name: "style_upload_id", value: style.UploadID}}
}

// A style picture can be in an upload, with or without the photograph.
func TestStyleUpload(t *testing.T) {
	g, _, left := serveUploads(t)
	right := []string{"Authorization", "Bearer " + g.keys["right"]}
	photograph := jpegPicture(t)
	style := append(bytes.Clone(photograph), 0) // after the end, so that it is another
	for name, fields := range map[string]func(image, style grant) []field{
		"both": byUploads,
		"only the style's": func(_, style grant) []field {
			return []field{{"image", "p.jpg", photograph}, {name: "style_upload_id", value: style.UploadID}}
		},
		"only the photograph's": func(image, _ grant) []field {
			return []field{{name: "upload_id", value: image.UploadID}, {"style_image", "s.jpg", style}}
		},
	} {
		image, styleImage := g.putBoth(t, photograph, style, right...)
		resp, answer, j := g.submitFields(t, fields(image, styleImage), right...)
		if resp.StatusCode != http.StatusAccepted {
			t.Fatalf("%s: %s: %s", name, resp.Status, answer)
		}
		gotPhotograph, gotStyle := g.pictures(t, j.ID)
		if j.Style != job.CustomStyle || !bytes.Equal(gotPhotograph, photograph) || !bytes.Equal(gotStyle, style) {
			t.Errorf("%s: style %q, pictures of %d and %d bytes", name, j.Style, len(gotPhotograph), len(gotStyle))
		}
		for _, key := range left() {
			used := strings.Contains(key, image.UploadID) && name != "only the style's" || strings.Contains(key, styleImage.UploadID) && name != "only the photograph's"
			if used {
				t.Errorf("%s: left in the bucket: %s", name, key)
			}
		}
	}
}

// An upload with a style picture belongs to its owner and is taken once, by either field.
func TestStyleUploadBelongsToOwnerAndIsTakenOnce(t *testing.T) {
	g, _, _ := serveUploads(t)
	as := func(who string) []string { return []string{"Authorization", "Bearer " + g.keys[who]} }
	picture := jpegPicture(t)
	image, style := g.putBoth(t, picture, picture, as("right")...)
	others, _ := g.putBoth(t, picture, picture, as("other")...)
	for name, c := range map[string]struct {
		who           string
		fields        []field
		status        int
		code, mention string
	}{
		"another owner's":      {"right", byUploads(image, others), 404, "upload_not_found", ""},
		"one upload for both":  {"right", byUploads(image, image), 422, "invalid_field", "style_upload_id"},
		"an empty id":          {"right", byUploads(image, grant{}), 422, "invalid_field", "style_upload_id"},
		"besides a style":      {"right", append(byUploads(image, style), field{name: "style", value: "night-swirls"}), 422, "invalid_field", "style_upload_id"},
		"besides its own file": {"right", append(byUploads(image, style), field{"style_image", "s.jpg", picture}), 422, "invalid_field", "style_upload_id"},
	} {
		t.Run(name, func(t *testing.T) {
			resp, answer, _ := g.submitFields(t, c.fields, as(c.who)...)
			wantProblem(t, resp, answer, c.status, c.code, c.mention)
		})
	}
	if resp, answer, _ := g.submitFields(t, byUploads(image, style), as("right")...); resp.StatusCode != http.StatusAccepted {
		t.Fatalf("after these: %s: %s", resp.Status, answer)
	}
	image, fresh := g.putBoth(t, picture, picture, as("right")...)
	resp, answer, _ := g.submitFields(t, byUploads(image, style), as("right")...)
	wantProblem(t, resp, answer, 409, "upload_taken", "")
	if resp, answer, _ := g.submitFields(t, byUploads(image, fresh), as("right")...); resp.StatusCode != http.StatusAccepted {
		t.Errorf("the photograph was not given back: %s: %s", resp.Status, answer)
	}
}

// An upload that is not a picture is refused with the name of its field, and removed; the other one
// can be submitted again.
func TestStyleUploadIsInspected(t *testing.T) {
	g, _, _ := serveUploads(t)
	s, picture := g.keyless, jpegPicture(t)
	image, style := s.putBoth(t, picture, []byte("no picture"))
	resp, answer, _ := s.submitFields(t, byUploads(image, style))
	wantProblem(t, resp, answer, 415, "unsupported_image", "style_image")
	resp, answer, _ = s.submitFields(t, byUploads(image, style))
	wantProblem(t, resp, answer, 404, "upload_not_found", "")
	_, style = s.putBoth(t, picture, picture)
	if resp, answer, _ = s.submitFields(t, byUploads(image, style)); resp.StatusCode != http.StatusAccepted {
		t.Errorf("with another style picture: %s: %s", resp.Status, answer)
	}
}

// With a key the same request makes one job, however its pictures are sent.
func TestStyleUploadWithIdempotencyKey(t *testing.T) {
	g, a, _ := serveUploads(t)
	s, picture := g.keyless, jpegPicture(t)
	key := []string{"Idempotency-Key", "one"}
	image, style := s.putBoth(t, picture, picture)
	_, answer, first := s.submitFields(t, byUploads(image, style), key...)
	if first.ID == "" {
		t.Fatal(string(answer))
	}
	a.setUnavailable(true) // nothing has to be read again
	_, answer, again := s.submitFields(t, byUploads(image, style), key...)
	a.setUnavailable(false)
	if again.ID != first.ID {
		t.Errorf("repeated: %s, want job %s", answer, first.ID)
	}
	_, second := s.putBoth(t, picture, picture)
	for name, fields := range map[string][]field{
		"by another upload": {{"image", "p.jpg", picture}, {name: "style_upload_id", value: second.UploadID}},
		"sent directly":     {{"image", "p.jpg", picture}, {"style_image", "s.jpg", picture}},
	} {
		if _, answer, again := s.submitFields(t, fields, key...); again.ID != first.ID {
			t.Errorf("%s: %s, want job %s", name, answer, first.ID)
		}
	}
	resp, answer, _ := s.submitFields(t, []field{{"image", "p.jpg", picture}, {name: "style", value: "night-swirls"}}, key...)
	wantProblem(t, resp, answer, 422, "idempotency_key_reused", "")
	if jobs, _, err := s.store.List(store.Query{Limit: 3}); err != nil || len(jobs) != 1 {
		t.Errorf("jobs: %v, %v", jobs, err)
	}
}
