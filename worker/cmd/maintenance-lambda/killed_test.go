package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/datasync"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/scripts/devstack/datasync"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
)

// results is the number of public jobs.
const results = 1000

// A gallery is the path from the store to the gallery's manifests in the bucket.
type gallery struct {
	*testing.T
	store  *store.Store
	bucket *bucket.Bucket
	copier *datasync.Service
	task   string
	client *sdk.Client

	sweeps, events *environment
	canceled       atomic.Int64
	aside          atomic.Int64 // pictures that were put aside after a sweep

	mu   sync.Mutex
	seen map[job.ID]bool // jobs that are listed in the gallery, whose pictures exist
}

// The maintenance function's processes are killed and copies are canceled at random, and events are
// lost. Nevertheless everything is copied, and no manifest ever lists a picture that does not exist.
func TestKilled(t *testing.T) {
	g := newGallery(t)
	ctx, end := context.WithCancel(t.Context())
	defer end()
	var painters, others sync.WaitGroup
	painted := make(chan struct{})
	for worker := range 4 {
		painters.Go(func() {
			for i := worker; i < results; i += 4 {
				g.paint()
			}
		})
	}
	go func() { painters.Wait(); close(painted) }()
	others.Go(func() { g.injectFaults(ctx, painted) })
	others.Go(func() {
		for ctx.Err() == nil {
			g.readGallery(ctx)
		}
	})
	deadline := time.After(4 * time.Minute)
	for over := false; !over; {
		g.sweep()
		select {
		case <-deadline:
			t.Fatalf("after four minutes the gallery shows %d of %d", g.shown(), results)
		case <-painted:
			over = g.shown() == results
		default:
		}
	}
	end()
	others.Wait()
	g.compare()
	if g.canceled.Load() == 0 || killed.Load() == 0 {
		t.Errorf("%d executions were canceled and %d processes killed: the test proves nothing", g.canceled.Load(), killed.Load())
	}
	t.Logf("%d processes were killed, %d executions canceled, %d events lost, %d times a picture was put aside",
		killed.Load(), g.canceled.Load(), lost.Load(), g.aside.Load())
}

var killed, lost atomic.Int64

func newGallery(t *testing.T) *gallery {
	t.Helper()
	miniStack, cfg := ministacktest.Start(t)
	g := &gallery{T: t, seen: map[job.ID]bool{}}
	var err error
	if g.bucket, err = bucket.Create(t.Context(), cfg, "gallery"); err == nil {
		_, err = queue.Create(t.Context(), cfg, "jobs")
	}
	if err == nil {
		g.store, err = store.Open(store.Config{Dir: t.TempDir()})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.store.Close() })
	task := &datasync.Task{From: g.store.PublishedDir(), To: g.bucket, Prefix: "pictures/", Faithful: true}
	g.copier = datasync.NewService(task, nil, func(_ context.Context, e datasync.Event) error {
		if rand.N(3) == 0 { // delivery is best effort
			lost.Add(1)
			return nil
		}
		return g.events.invoke(e)
	})
	g.task = g.copier.Reset()
	address, err := g.copier.Listen()
	if err != nil {
		t.Fatal(err)
	}
	cfg.BaseEndpoint, cfg.ConfigSources = &address, nil
	g.client = sdk.NewFromConfig(cfg)

	program := buildFunction(t)
	env := append(miniStack.Environ(),
		"ATELIER_DIR="+g.store.Dir(), "ATELIER_QUEUE=jobs", "ATELIER_BUCKET=gallery", "ATELIER_SWEEP_EVERY=1s",
		"ATELIER_DATASYNC_TASK="+g.task, "ATELIER_DATASYNC_ROLE=arn:aws:iam::000000000000:role/manifests", "AWS_ENDPOINT_URL_DATASYNC="+address)
	g.sweeps, g.events = newEnvironment(t, program, env), newEnvironment(t, program, env)
	t.Cleanup(func() {
		g.copier.Close()
		if t.Failed() {
			log := g.sweeps.logged()
			t.Logf("the function's log:\n%s", log[max(0, len(log)-5000):])
		}
	})
	if err := g.events.invoke(map[string]string{"task": "gallery"}); err != nil {
		t.Fatal(err)
	}
	if page, err := g.get("index.html"); err != nil || !bytes.HasPrefix(bytes.ToLower(page), []byte("<!doctype html>")) {
		t.Fatalf("the page: %.100q, %v", page, err)
	}
	return g
}

func (g *gallery) paint() {
	id, err := job.NewID()
	if err == nil {
		spec := job.Spec{ID: id, Style: "night-swirls", Strength: 1, Format: "jpeg", Public: true, CreatedAt: time.Now()}
		err = g.store.Create(&spec, []byte("photograph"), nil)
	}
	var lease *store.Lease
	if err == nil {
		lease, err = g.store.Claim(g.Context(), id, 1, "test")
	}
	if err == nil {
		picture := []byte("picture " + string(id) + strings.Repeat(".", rand.N(20_000)))
		err = lease.Succeed(picture, []byte("small "+string(id)), job.Result{ContentType: "image/jpeg", Width: 3, Height: 2}, job.Receipt{})
	}
	if err != nil {
		g.Error(err)
	}
}

// sweep invokes the function as the schedule does. To save time, a failed copy is tried again by the
// next sweep, and so are pictures that were put aside: a canceled execution that had copied others
// puts them aside for minutes. The note is only written during sweeps.
func (g *gallery) sweep() {
	_ = g.sweeps.invoke(map[string]string{"task": "sweep"}) // it may have been killed
	note, version, err := g.store.NoteVersion(store.CopyNote)
	if err != nil || note == nil {
		return
	}
	s := map[string]any{}
	if err := json.Unmarshal(note, &s); err != nil {
		g.Errorf("a note is damaged: %v: %q", err, note)
		return
	}
	s["not_before"], s["failures"] = time.Time{}, 0
	if aside, ok := s["aside"].([]any); ok {
		for _, a := range aside {
			a.(map[string]any)["again"] = time.Time{}
		}
		g.aside.Add(int64(len(aside)))
	}
	if note, err = json.Marshal(s); err == nil {
		err = g.store.SetNoteVersion(store.CopyNote, version, note)
	}
	if err != nil {
		g.Error(err)
	}
}

// injectFaults kills processes and cancels executions at random, until some time after all jobs are
// painted.
func (g *gallery) injectFaults(ctx context.Context, painted <-chan struct{}) {
	for more := 20; more > 0; {
		select {
		case <-painted:
			more--
		default:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(rand.N(300 * time.Millisecond)):
		}
		switch rand.N(4) {
		case 0:
			if g.sweeps.kill() {
				killed.Add(1)
			}
		case 1:
			if g.events.kill() {
				killed.Add(1)
			}
		default:
			task, err := g.client.DescribeTask(ctx, &sdk.DescribeTaskInput{TaskArn: &g.task})
			if err != nil || task.CurrentTaskExecutionArn == nil {
				continue
			}
			if _, err = g.client.CancelTaskExecution(ctx, &sdk.CancelTaskExecutionInput{TaskExecutionArn: task.CurrentTaskExecutionArn}); err == nil {
				g.canceled.Add(1)
			}
		}
	}
}

// readGallery reads the gallery as its page does, and checks that each picture that is listed for the
// first time exists.
func (g *gallery) readGallery(ctx context.Context) {
	for next := "gallery/index.json"; next != ""; {
		b, err := g.get(next)
		if err != nil {
			return // it does not exist yet
		}
		var page struct {
			Jobs []job.Job
			Next *string
		}
		if err := json.Unmarshal(b, &page); err != nil {
			g.Errorf("%s: %v", next, err)
			return
		}
		for _, j := range page.Jobs {
			g.mu.Lock()
			seen := g.seen[j.ID]
			g.mu.Unlock()
			if seen {
				continue
			}
			for _, key := range []string{j.Result.URL, j.Result.ThumbnailURL} {
				if _, err := g.bucket.Head(ctx, key); err != nil && ctx.Err() == nil {
					g.Errorf("the gallery shows %s: %v", key, err)
				}
			}
			g.mu.Lock()
			g.seen[j.ID] = true
			g.mu.Unlock()
		}
		next = ""
		if page.Next != nil {
			next = *page.Next
		}
	}
}

func (g *gallery) shown() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.seen)
}

func (g *gallery) get(key string) ([]byte, error) {
	r, _, err := g.bucket.Get(context.WithoutCancel(g.Context()), key)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// compare checks that the bucket has the published files with their contents, and no others.
func (g *gallery) compare() {
	files := map[string]bool{}
	err := filepath.WalkDir(g.store.PublishedDir(), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(g.store.PublishedDir(), path)
		if err != nil {
			return err
		}
		key := "pictures/" + filepath.ToSlash(name)
		files[key] = true
		want, err := os.ReadFile(path)
		got, gerr := g.get(key)
		if err := errors.Join(err, gerr); err != nil || !bytes.Equal(got, want) {
			g.Errorf("%s: %d bytes in the bucket, %d in the file, %v", key, len(got), len(want), err)
		}
		return nil
	})
	if err != nil || len(files) != 2*results {
		g.Errorf("%d files are published, %v", len(files), err)
	}
	for o, err := range g.bucket.List(g.Context(), "pictures/") {
		if err != nil {
			g.Fatal(err)
		}
		if !files[o.Key] {
			g.Errorf("only in the bucket: %s", o.Key)
		}
	}
}
