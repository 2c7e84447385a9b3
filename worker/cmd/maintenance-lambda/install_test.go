package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
)

// A payload is an archive in a bucket, and the folder in which it is installed.
type payload struct {
	*testing.T
	cfg     aws.Config
	objects *bucket.Bucket
	dir     string
}

func newPayload(t *testing.T) payload {
	t.Helper()
	_, cfg := ministacktest.Start(t)
	b, err := bucket.Create(t.Context(), cfg, "artifacts", "http://127.0.0.1:8080")
	if err != nil {
		t.Fatal(err)
	}
	return payload{t, cfg, b, t.TempDir()}
}

// upload uploads an archive of files, given by their names and contents in turn.
func (p payload) upload(files ...string) {
	p.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		header := &zip.FileHeader{Name: files[i], Method: zip.Deflate}
		header.SetMode(0o640)
		if strings.HasPrefix(files[i], "link") {
			header.SetMode(fs.ModeSymlink | 0o777)
		}
		w, err := z.CreateHeader(header)
		if err == nil {
			_, err = w.Write([]byte(files[i+1]))
		}
		if err != nil {
			p.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		p.Fatal(err)
	}
	if _, err := p.objects.Put(p.Context(), "v1/payload.zip", bytes.NewReader(b.Bytes()), bucket.Put{}); err != nil {
		p.Fatal(err)
	}
}

func (p payload) install(ctx context.Context) error {
	p.Helper()
	i, err := newInstaller(p.cfg, "s3://artifacts/v1/payload.zip", p.dir, slog.New(slog.DiscardHandler))
	if err != nil {
		p.Fatal(err)
	}
	return i.install(ctx)
}

// installed returns the contents of the installed files by their names.
func (p payload) installed() map[string]string {
	p.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(p.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(p.dir, path)
		found[filepath.ToSlash(name)] = string(b)
		return err
	})
	if err != nil {
		p.Fatal(err)
	}
	return found
}

func TestInstall(t *testing.T) {
	p := newPayload(t)
	large := strings.Repeat("0123456789abcdef", 1<<20) // 16 MiB
	p.upload("lib/libtensorflow.so.2", large, "models/atelier/model", "weights")
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.install(stopped); !errors.Is(err, context.Canceled) {
		t.Fatalf("stopped: %v", err)
	}
	if err := p.install(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := p.installed(); len(got) != 2 || got["lib/libtensorflow.so.2"] != large || got["models/atelier/model"] != "weights" {
		t.Errorf("%d files", len(got))
	}
	library := filepath.Join(p.dir, "lib", "libtensorflow.so.2")
	before, err := os.Stat(library)
	if err != nil {
		t.Fatal(err)
	}
	// With another model and the same library, the library and files of jobs are not replaced.
	if err := os.WriteFile(filepath.Join(p.dir, "FORMAT"), []byte("atelier-store 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.upload("lib/libtensorflow.so.2", large, "models/atelier/model", "w3ights")
	if err := p.install(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := p.installed(); len(got) != 3 || got["models/atelier/model"] != "w3ights" || got["FORMAT"] == "" {
		t.Errorf("%d files, the model is %q", len(got), got["models/atelier/model"])
	}
	if after, err := os.Stat(library); err != nil || !os.SameFile(before, after) {
		t.Errorf("the library was replaced: %v", err)
	}
}

func TestInstallRefuses(t *testing.T) {
	p := newPayload(t)
	for _, name := range []string{"../outside", "lib/../../outside", "/outside", "jobs/x", "FORMAT", "link/to"} {
		p.upload(name, "x")
		if err := p.install(t.Context()); err == nil {
			t.Errorf("%s was installed", name)
		}
	}
	if got := p.installed(); len(got) != 0 {
		t.Errorf("there are %v", got)
	}
	if _, err := p.objects.Put(t.Context(), "v1/payload.zip", strings.NewReader("no archive"), bucket.Put{}); err != nil {
		t.Fatal(err)
	}
	if err := p.install(t.Context()); err == nil {
		t.Error("a file that is no archive was installed")
	}
	if err := p.objects.Delete(t.Context(), "v1/payload.zip"); err != nil {
		t.Fatal(err)
	}
	if err := p.install(t.Context()); !errors.Is(err, bucket.ErrNotFound) {
		t.Errorf("without an archive: %v", err)
	}
	for _, address := range []string{"payload.zip", "s3://", "s3://artifacts", "s3://artifacts/", "https://artifacts/payload.zip"} {
		if _, err := newInstaller(p.cfg, address, p.dir, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%q was accepted as an address", address)
		}
	}
}

// The archive is read in parts, with few requests, because it may be larger than the function's memory.
func TestReaderOfAnArchive(t *testing.T) {
	p := newPayload(t)
	content := bytes.Repeat([]byte("0123456789abcdef"), 20<<16) // 20 MiB
	if _, err := p.objects.Put(t.Context(), "o", bytes.NewReader(content), bucket.Put{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := p.objects.Reader(ctx, "o")
	if err != nil {
		t.Fatal(err)
	}
	part := make([]byte, 100)
	for _, at := range []int64{0, 50, 8<<20 - 30, 20<<20 - 100, 3} {
		if n, err := r.ReadAt(part, at); err != nil || !bytes.Equal(part[:n], content[at:at+100]) {
			t.Errorf("at %d: %d bytes, %v", at, n, err)
		}
	}
	if n, err := r.ReadAt(part, 20<<20-10); n != 10 || err == nil {
		t.Errorf("beyond the end: %d bytes, %v", n, err)
	}
	if _, err := p.objects.Put(t.Context(), "o", bytes.NewReader(content[:1<<20]), bucket.Put{}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ReadAt(part, 10<<20); !errors.Is(err, bucket.ErrChanged) {
		t.Errorf("after the object has changed: %v", err)
	}
}
