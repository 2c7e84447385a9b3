package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"image/jpeg"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/style"
)

func TestSubmittedJobIsStored(t *testing.T) {
	s := serve(t)
	name := style.Names()[0]
	resp, body := s.post(form(t, field{"image", "p.jpg", jpegPicture(t)}, field{name: "style", value: name}))
	if resp.StatusCode != http.StatusAccepted {
		t.Fatalf("%s: %s", resp.Status, body)
	}
	var j job.Job
	if err := json.Unmarshal(body, &j); err != nil {
		t.Fatal(err)
	}
	if j.State != job.Queued || j.Run != 1 || j.Style != name || j.Strength != 1 || j.Size != 1024 || j.Format != "jpeg" ||
		j.Quality != 90 || j.PreserveColors || !j.Public || j.Attempts != 0 {
		t.Errorf("the job: %s", body)
	}
	for _, member := range []string{"started_at", "finished_at", "queue_position", "error", "result", "receipt"} {
		if !strings.Contains(string(body), `"`+member+`":null`) {
			t.Errorf("%s is not null in %s", member, body)
		}
	}
	where, err := resp.Location()
	if err != nil || where.Path != "/v1/jobs/"+string(j.ID) || resp.Header.Get("Retry-After") == "" {
		t.Errorf("Location %v, %v; Retry-After %q", where, err, resp.Header.Get("Retry-After"))
	}
	if len(s.queue.sent) != 1 || s.queue.sent[0] != (job.Message{Job: j.ID, Run: 1}) {
		t.Errorf("enqueued %v", s.queue.sent)
	}
	if stored, _ := s.pictures(t, j.ID); !bytes.Equal(stored, jpegPicture(t)) {
		t.Errorf("stored %d bytes", len(stored))
	}
}

func TestSubmissionFields(t *testing.T) {
	s := serve(t)
	names := style.Names()
	j := s.submit(field{"image", "p.png", pngPicture(t)}, field{name: "style", value: names[0] + ":3," + names[1]},
		field{name: "strength", value: "0.25"}, field{name: "size", value: "0"}, field{name: "format", value: "png"},
		field{name: "quality", value: "7"}, field{name: "preserve_colors", value: "true"}, field{name: "public", value: "false"})
	if j.Style != names[0]+":0.75,"+names[1]+":0.25" || j.Strength != 0.25 || j.Size != 0 || j.Format != "png" ||
		j.Quality != 7 || !j.PreserveColors || j.Public {
		t.Errorf("got %+v", j)
	}
	own := s.submit(field{"image", "p.png", pngPicture(t)}, field{"style_image", "s.jpg", jpegPicture(t)})
	if own.Style != job.CustomStyle {
		t.Errorf("with a style picture: %+v", own)
	}
	if _, stored := s.pictures(t, own.ID); !bytes.Equal(stored, jpegPicture(t)) {
		t.Errorf("the style picture: %d bytes", len(stored))
	}
}

// Every invalid submission has its response, and leaves nothing on the disk or in the queue.
func TestInvalidSubmissions(t *testing.T) {
	s := serve(t)
	good := field{"image", "p.jpg", jpegPicture(t)}
	named := field{name: "style", value: style.Names()[0]}
	with := func(fields ...field) []field { return append([]field{good, named}, fields...) }
	text := func(name, value string) field { return field{name: name, value: value} }
	truncated := jpegPicture(t)
	truncated = truncated[:len(truncated)*2/3]
	pngCut := pngPicture(t)
	pngCut = pngCut[:len(pngCut)-20]
	image := func(data []byte) []field { return []field{{"image", "p.jpg", data}, named} }

	for name, tt := range map[string]struct {
		fields []field
		status int
		code   string
		says   string
	}{
		"an empty file":            {image([]byte{}), 415, "unsupported_image", "empty"},
		"text named .jpg":          {image([]byte("Dear Sir or Madam, this is no picture at all.")), 415, "unsupported_image", ""},
		"truncated JPEG":           {image(truncated), 422, "damaged_image", ""},
		"truncated PNG":            {image(pngCut), 422, "damaged_image", ""},
		"60,000 x 60,000":          {image(hugePNG(t)), 413, "too_many_pixels", "60000"},
		"30 MB":                    {image(append(jpegPicture(t), make([]byte, 30<<20)...)), 413, "too_many_bytes", "20 MiB"},
		"60 MB":                    {image(make([]byte, 60<<20)), 413, "too_many_bytes", "20 MiB"},
		"an SVG":                   {image([]byte(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>`)), 415, "unsupported_image", "SVG"},
		"no image":                 {[]field{named}, 422, "invalid_field", "image"},
		"no style":                 {[]field{good}, 422, "invalid_field", "style"},
		"unknown style":            {[]field{good, text("style", "no-such-style")}, 422, "unknown_style", "there are"},
		"unknown style in a blend": {[]field{good, text("style", named.value+":1,no-such-style:2")}, 422, "unknown_style", ""},
		"a weight of 0":            {[]field{good, text("style", named.value+":0")}, 422, "invalid_field", "weight"},
		"style and style_image":    {with(field{"style_image", "s.jpg", jpegPicture(t)}), 422, "invalid_field", "exclude"},
		"a style picture of text":  {[]field{good, {"style_image", "s.jpg", []byte("text")}}, 415, "unsupported_image", "style_image"},
		"strength NaN":             {with(text("strength", "NaN")), 422, "invalid_field", "strength"},
		"strength Inf":             {with(text("strength", "Inf")), 422, "invalid_field", "strength"},
		"strength 1.5":             {with(text("strength", "1.5")), 422, "invalid_field", "0 to 1"},
		"strength of words":        {with(text("strength", "strong")), 422, "invalid_field", "number"},
		"negative size":            {with(text("size", "-1")), 422, "invalid_field", "size"},
		"a fraction of a pixel":    {with(text("size", "10.5")), 422, "invalid_field", "whole number"},
		"size over the cap":        {with(text("size", "100000")), 422, "invalid_field", "2048"},
		"size beyond integers":     {with(text("size", "99999999999999999999")), 422, "invalid_field", "size"},
		"format":                   {with(text("format", "bmp")), 422, "invalid_field", "jpeg, png"},
		"quality":                  {with(text("quality", "101")), 422, "invalid_field", "1 to 100"},
		"preserve_colors":          {with(text("preserve_colors", "maybe")), 422, "invalid_field", "true or false"},
		"a misspelt field":         {with(text("strenght", "1")), 422, "invalid_field", `"strenght": is not a field of a job; the fields are image, style_image, style, strength, size,`},
		"a field twice":            {with(named), 422, "invalid_field", "twice"},
		"an image twice":           {with(good), 422, "invalid_field", "twice"},
		"a field of 2 KiB":         {with(text("format", strings.Repeat("x", 2048))), 422, "invalid_field", "too long"},
		"an upload":                {[]field{named, text("upload_id", "x")}, 422, "invalid_field", "upload_id"},
		"several fields wrong":     {with(text("size", "-1"), text("quality", "0")), 422, "invalid_field", "quality"},
		"an empty form":            {nil, 422, "invalid_field", "image"},
	} {
		t.Run(name, func(t *testing.T) {
			resp, body := s.post(form(t, tt.fields...))
			wantProblem(t, resp, body, tt.status, tt.code, tt.says)
		})
	}

	contentType, body := form(t, good, named)
	for name, tt := range map[string]struct {
		contentType string
		body        []byte
		status      int
		code        string
	}{
		"an empty body":        {contentType, nil, 400, "malformed_request"},
		"nothing at all":       {"", nil, 415, "not_multipart"},
		"JSON":                 {"application/json", []byte(`{"style":"x"}`), 415, "not_multipart"},
		"another boundary":     {"multipart/form-data; boundary=other", body, 400, "malformed_request"},
		"no boundary":          {"multipart/form-data", body, 400, "malformed_request"},
		"cut short":            {contentType, body[:len(body)/2], 400, "malformed_request"},
		"the closing cut":      {contentType, body[:len(body)-10], 400, "malformed_request"},
		"a broken header":      {"multipart/form-data; boundary=x", []byte("--x\r\nnonsense\r\n\r\n--x--\r\n"), 400, "malformed_request"},
		"a broken media type":  {"multipart/form-data; boundary=\"", body, 415, "not_multipart"},
		"garbage in the place": {contentType, bytes.Repeat([]byte("garbage"), 1000), 400, "malformed_request"},
	} {
		t.Run(name, func(t *testing.T) {
			resp, answer := s.post(tt.contentType, tt.body)
			wantProblem(t, resp, answer, tt.status, tt.code, "")
		})
	}
	if n := s.files(); n != 0 {
		t.Errorf("%d files were left on the disk", n)
	}
	if len(s.queue.sent) != 0 {
		t.Errorf("enqueued %v", s.queue.sent)
	}
}

func wantProblem(t *testing.T, resp *http.Response, body []byte, status int, code, says string) {
	t.Helper()
	var p api.Problem
	if err := json.Unmarshal(body, &p); err != nil || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("%s: no problem: %q (%s)", resp.Status, body, resp.Header.Get("Content-Type"))
	}
	if resp.StatusCode != status || p.Status != status || p.Code != code || !strings.Contains(p.Detail, says) || p.Detail == "" || p.Title == "" {
		t.Errorf("got %d %s, want %d %s with %q", resp.StatusCode, body, status, code, says)
	}
}

func TestSubmissionWhileQueueIsUnavailable(t *testing.T) {
	s := serve(t)
	s.queue.set(errors.New("connection refused by 10.1.2.3"))
	resp, body := s.post(form(t, field{"image", "p.jpg", jpegPicture(t)}, field{name: "style", value: style.Names()[0]}))
	wantProblem(t, resp, body, 503, "unavailable", "safe")
	if resp.Header.Get("Retry-After") == "" || bytes.Contains(body, []byte("10.1.2.3")) {
		t.Errorf("Retry-After %q; %s", resp.Header.Get("Retry-After"), body)
	}
	if n := s.files(); n != 0 {
		t.Errorf("%d files were left", n)
	}
	resp, body = s.get("/readyz")
	wantProblem(t, resp, body, 503, "not_ready", "queue")
	if resp, _ := s.get("/healthz"); resp.StatusCode != http.StatusOK {
		t.Errorf("healthz: %s", resp.Status)
	}
}

// Slow uploads occupy a limited number of places: the next one is refused with Retry-After.
func TestTooManyConcurrentSubmissions(t *testing.T) {
	s := serve(t, func(c *api.Config) { c.Shares.Uploads = 16 })
	var open []*io.PipeWriter
	var done sync.WaitGroup
	for range 16 {
		r, w := io.Pipe()
		open = append(open, w)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/jobs", r)
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = 1 << 20
		req.Header.Set("Content-Type", "multipart/form-data; boundary=x")
		done.Go(func() {
			if resp, err := http.DefaultClient.Do(req); err == nil {
				resp.Body.Close()
			}
		})
		if _, err := w.Write([]byte("--x\r\nContent-Disposition: form-data; name=\"style\"\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
	}
	contentType, body := form(t, field{"image", "p.jpg", jpegPicture(t)}, field{name: "style", value: style.Names()[0]})
	// The sixteen may not have arrived yet: a submission before them is accepted.
	for {
		resp, answer := s.post(contentType, body)
		if resp.StatusCode == http.StatusAccepted {
			continue
		}
		wantProblem(t, resp, answer, 429, "too_many_at_once", "your other requests")
		// At their rate they would take longer than the limit.
		if after := resp.Header.Get("Retry-After"); after != "300" {
			t.Errorf("Retry-After: %s", after)
		}
		break
	}
	for _, w := range open {
		w.Close()
	}
	done.Wait()
	if resp, answer := s.post(contentType, body); resp.StatusCode != http.StatusAccepted {
		t.Errorf("after they have ended: %s %s", resp.Status, answer)
	}
}

func TestStyles(t *testing.T) {
	s := serve(t)
	_, body := s.get("/v1/styles")
	var got struct {
		Styles []struct {
			Name, Title string
			URL         string `json:"thumbnail_url"`
		}
	}
	if err := json.Unmarshal(body, &got); err != nil || len(got.Styles) != len(style.Names()) {
		t.Fatalf("%s, %v", body, err)
	}
	for _, st := range got.Styles {
		resp, data := s.get("/" + st.URL)
		if _, err := jpeg.Decode(bytes.NewReader(data)); err != nil || st.Title == "" || resp.Header.Get("Content-Type") != "image/jpeg" {
			t.Errorf("%+v: %s, %v", st, resp.Status, err)
		}
	}
}

func TestCrossOriginRequestsAreRefused(t *testing.T) {
	s := serve(t)
	contentType, body := form(t, field{"image", "p.jpg", jpegPicture(t)}, field{name: "style", value: style.Names()[0]})
	for name, header := range map[string][2]string{
		"Sec-Fetch-Site": {"Sec-Fetch-Site", "cross-site"},
		"Origin":         {"Origin", "https://evil.example"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/jobs", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", contentType)
		req.Header.Set(header[0], header[1])
		resp, answer := s.do(req)
		t.Run(name, func(t *testing.T) { wantProblem(t, resp, answer, 403, "cross_origin", "") })
	}
	resp, answer := s.get("/v1/styles", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors")
	wantProblem(t, resp, answer, 403, "cross_origin", "")
	if resp, _ := s.get("/", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"); resp.StatusCode != http.StatusOK {
		t.Errorf("a link from another site: %s", resp.Status)
	}
	resp, answer = s.get("/v1/styles", "Host", "evil.example")
	wantProblem(t, resp, answer, 403, "cross_origin", "")
	for _, host := range []string{"localhost:8080", "127.0.0.1", "[::1]:9", "LOCALHOST"} {
		if resp, _ := s.get("/v1/styles", "Host", host); resp.StatusCode != http.StatusOK {
			t.Errorf("Host %s: %s", host, resp.Status)
		}
	}
	if s.files() != 0 {
		t.Error("something was stored")
	}
}

// The parts of the description that huma can't derive, because readForm reads the form.
func TestSubmissionDescription(t *testing.T) {
	s := serve(t)
	_, body := s.get("/v1/openapi.json")
	if bytes.Contains(body, []byte("base64")) {
		t.Error("a picture is described as base64, and is not")
	}
	for _, want := range []string{`"openapi":"3.1`, `"multipart/form-data"`, `"name":"Idempotency-Key"`} {
		if !bytes.Contains(body, []byte(want)) {
			t.Errorf("%s is not described", want)
		}
	}
}
