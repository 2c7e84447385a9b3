package imageio_test

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/pkg/decoder"
	"github.com/atelier-go/atelier/pkg/decoder/decodertest"
	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue/queuefake"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/style"
	"github.com/atelier-go/atelier/worker"
)

// TestHostileEverywhere sends each bomb, and each of the costliest pictures, to every input: to the
// API as the photograph and as the style's picture, and to a worker without the API's checks. Only
// the decoder process does more than read the file, and it stays within the memory budget of its
// pictures; each job ends, with its preview or without; and an ordinary picture after it is painted.
func TestHostileEverywhere(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes with the race detector")
	}
	s, err := store.Open(store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	q := queuefake.New(queuefake.Config{})
	handler, err := api.New(api.Config{Store: s, Queue: q})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	good := smallPNG(t)
	work := func(t *testing.T, w *worker.Worker, photo, picture []byte) job.Job {
		t.Helper()
		id, err := job.NewID()
		if err != nil {
			t.Fatal(err)
		}
		spec := &job.Spec{ID: id, Style: style.Names()[0], Strength: 1, Size: 256, Format: "jpeg", Quality: 90, CreatedAt: time.Now()}
		spec.Input.Width, spec.Input.Height, spec.Input.Format = 256, 256, "png"
		if picture != nil {
			spec.Style, spec.StyleInput = job.CustomStyle, &job.Input{Format: "png", Width: 256, Height: 256}
		}
		if err := s.Create(spec, photo, picture); err != nil {
			t.Fatal(err)
		}
		if err := w.Handle(t.Context(), job.Message{Job: id, Run: 1}); err != nil {
			t.Errorf("the message would be delivered again: %v", err)
		}
		j, err := s.Job(id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Preview(id); (err == nil) != (j.State == job.Succeeded) && picture == nil {
			t.Errorf("state %s, and its preview: %v", j.State, err)
		}
		return j
	}
	hostile := imageio.Bombs(t)
	maps.Copy(hostile, imageio.Costly(t))
	for _, name := range slices.Sorted(maps.Keys(hostile)) {
		t.Run(name, func(t *testing.T) {
			data := hostile[name]
			var statuses []int
			if most, took := int64(8*len(data)+(8<<20)), allocated(func() {
				statuses = []int{
					submit(t, server.URL, map[string][]byte{"image": data}),
					submit(t, server.URL, map[string][]byte{"image": good, "style_image": data}),
				}
			}); took > most {
				t.Errorf("the API allocated %d MiB for a file of %d bytes sent twice", took>>20, len(data))
			}
			for _, status := range statuses {
				if !slices.Contains([]int{202, 413, 415, 422}, status) {
					t.Errorf("the API returned %d", status)
				}
			}
			// A new decoder, because a process keeps the peak of its earlier pictures.
			d := decodertest.New(t, func(c *decoder.Config) { c.Idle = 1 })
			w, err := worker.New(worker.Config{Store: s, Stylizer: unpainted{}, Decoder: d})
			if err != nil {
				t.Fatal(err)
			}
			var jobs []job.Job
			peak := decodertest.PeakMemory(func() {
				// This process holds the files, the fitted pixels and the encoded files, and
				// this test's measurement of the decoder.
				if most, took := int64(12*len(data)+(96<<20)), allocated(func() {
					jobs = []job.Job{work(t, w, data, nil), work(t, w, good, data)}
				}); took > most {
					t.Errorf("the worker allocated %d MiB for a file of %d bytes used twice", took>>20, len(data))
				}
			})
			for _, j := range jobs {
				if j.State != job.Succeeded && (j.State != job.Failed || j.Error == nil) {
					t.Errorf("state %s, %+v", j.State, j.Error)
				}
				if j.State == job.Failed && j.Error.Code == job.CodeInternal {
					t.Errorf("it failed with %+v, which gives no reason", j.Error)
				}
				if j.State == job.Failed && j.Error.Code == "undecodable_image" {
					t.Errorf("it exceeded the decoder's bounds; DecodeMemory and imageio's own limits should prevent that: %+v", j.Error)
				}
			}
			if most := imageio.JobMemory(data, nil, 256, 256) + job.IdleDecoder; peak > most {
				t.Errorf("the decoder used %d MiB, want at most %d", peak>>20, most>>20)
			}
			if j := work(t, w, good, nil); j.State != job.Succeeded {
				t.Errorf("an ordinary picture after it: %s, %+v", j.State, j.Error)
			}
		})
	}
}

// unpainted is an engine that returns the photograph.
type unpainted struct{}

func (unpainted) Stylize(_ context.Context, r style.Request) (*image.RGBA, error) {
	return r.Content, nil
}

func smallPNG(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewRGBA(image.Rect(0, 0, 64, 48))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// submit returns the HTTP status of the API's response.
func submit(t *testing.T, base string, files map[string][]byte) int {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	fields := map[string]string{"size": "256"}
	if files["style_image"] == nil {
		fields["style"] = style.Names()[0]
	}
	var err error
	for name, value := range fields {
		if err == nil {
			err = form.WriteField(name, value)
		}
	}
	for name, data := range files {
		var part io.Writer
		if err == nil {
			part, err = form.CreateFormFile(name, "picture")
		}
		if err == nil {
			_, err = part.Write(data)
		}
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(base+"/v1/jobs", form.FormDataContentType(), &body)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	if bytes.Contains(answer, []byte("panic")) || bytes.Contains(answer, []byte("goroutine")) {
		t.Errorf("the response is %s", answer)
	}
	return resp.StatusCode
}

// allocated returns how many bytes this process allocates during f.
func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}
