package worker_test

import (
	"bytes"
	"image"
	"os"
	"path/filepath"
	"testing"

	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// TestPublished paints jobs and checks the files in published/.
func TestPublished(t *testing.T) {
	var photo bytes.Buffer
	if err := imageio.Encode(&photo, image.NewRGBA(image.Rect(0, 0, 800, 600)), "jpeg", 90); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, 0, red)
	for name, tt := range map[string]struct {
		public bool
		format string
		size   int
		want   []imageio.Info // of the files, the result first
	}{
		"public":                     {true, "jpeg", 800, []imageio.Info{{Format: "jpeg", Width: 800, Height: 600}, {Format: "jpeg", Width: 400, Height: 300}}},
		"public, small":              {true, "jpeg", 400, []imageio.Info{{Format: "jpeg", Width: 400, Height: 300}, {Format: "jpeg", Width: 400, Height: 300}}},
		"public, small and no JPEG":  {true, "png", 400, []imageio.Info{{Format: "png", Width: 400, Height: 300}, {Format: "jpeg", Width: 400, Height: 300}}},
		"not public":                 {false, "jpeg", 800, []imageio.Info{{Format: "jpeg", Width: 800, Height: 600}}},
		"not public, small, no JPEG": {false, "webp", 400, []imageio.Info{{Format: "webp", Width: 400, Height: 300}}},
	} {
		t.Run(name, func(t *testing.T) {
			m := b.submit(photo.Bytes(), func(s *job.Spec) { s.Public, s.Format, s.Size = tt.public, tt.format, tt.size })
			if err := b.worker.Handle(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			names := store.Published(m.Job, tt.format, tt.public)
			if len(names) != len(tt.want) {
				t.Fatalf("published as %v, want %d files", names, len(tt.want))
			}
			var files [][]byte
			for i, name := range names {
				data, err := os.ReadFile(filepath.Join(b.store.PublishedDir(), name))
				if err != nil {
					t.Fatal(err)
				}
				if info, err := imageio.Inspect(data, imageio.DefaultLimits()); err != nil || info != tt.want[i] {
					t.Errorf("%s: got %+v, %v, want %+v", name, info, err, tt.want[i])
				}
				files = append(files, data)
			}
			if tt.public && tt.format == "jpeg" && tt.size == 400 && !bytes.Equal(files[0], files[1]) {
				t.Error("a small JPEG was encoded a second time for its thumbnail")
			}
		})
	}
}
