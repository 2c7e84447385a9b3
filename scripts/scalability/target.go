//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/api/keyring"
	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/gallery"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue/queuefake"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/sweeper"
)

// A counter counts calls, or requests. It is safe for concurrent use.
type counter struct{ atomic.Int64 }

// A target is a generated directory, and the parts of the programs that use it, in this process so that each call to
// the file server is counted: an API server over HTTP, a sweeper, and a gallery in a bucket with all pictures.
type target struct {
	*generated
	store    *store.Store
	sweeper  *sweeper.Sweeper
	swept    int      // how many sweeps were made
	newest   job.ID   // see newPicture
	made     []job.ID // in addition to the generated ones
	gallery  *gallery.Gallery
	calls    counter // to the file server
	requests counter // to S3
	client   *client

	server *http.Server
	api    *api.Server
}

// unlimited is a quota that no owner reaches. With it quotas are counted, as in production.
const unlimited = 1 << 30

// openTarget opens a generated directory. delay is added to each call to the file server. The caller closes the target.
func openTarget(g *generated, delay time.Duration) (_ *target, err error) {
	t := &target{generated: g}
	t.store, err = store.Open(store.Config{Dir: g.shared(), Quotas: store.Quotas{
		Unfinished: unlimited, Stored: unlimited, Daily: unlimited, Uploads: 100, Runs: 20, Backlog: unlimited, MinFree: 1,
	}})
	if err != nil {
		return nil, err
	}
	t.store.Observe(func(string, string) {
		t.calls.Add(1)
		if delay > 0 {
			time.Sleep(delay)
		}
	})
	q := queuefake.New(queuefake.Config{})
	t.sweeper, err = sweeper.New(sweeper.Config{
		Store: t.store, Queue: q, Times: sweeper.Times{Every: sweepEvery}, Swept: func(sweeper.Report) { t.swept++ },
	})
	if err != nil {
		return nil, err
	}
	t.gallery = gallery.New(bucket.New(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String("http://s3.invalid"), Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient: &http.Client{Transport: newMirror(t.store.PublishedDir(), &t.requests)},
	}, "gallery"))
	ring, keys, err := t.keys()
	if err != nil {
		return nil, err
	}
	t.api, err = api.New(api.Config{
		Store: t.store, Queue: q, Depth: q, Keys: ring,
		Shares: api.Shares{Uploads: 1024, UploadMemory: 1024, Requests: 4096},
	})
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t.server = &http.Server{Handler: t.api, ReadHeaderTimeout: time.Minute}
	go func() { _ = t.server.Serve(l) }() // until it is closed
	p, err := newPictures()
	t.client = newClient("http://"+l.Addr().String(), keys, p.submitted)
	return t, err
}

// sweepEvery is the shortest time between two sweeps.
const sweepEvery = time.Second

func (t *target) close() error {
	t.api.EndWaits()
	return errors.Join(t.server.Close(), t.store.Close())
}

// keys makes a key for each owner, and one more for an administrator, which is the last.
func (t *target) keys() (*keyring.Ring, []string, error) {
	var keys []string
	var lines []byte
	for n := range t.Owners + 1 {
		owner, scopes := ownerName(n), []string{string(keyring.Submit), string(keyring.Read)}
		if n == t.Owners {
			owner, scopes = "operator", []string{string(keyring.Admin)}
		}
		holder, err := keyring.NewHolder(owner, scopes)
		if err != nil {
			return nil, nil, err
		}
		key, line := keyring.New(holder)
		keys, lines = append(keys, key), fmt.Appendln(lines, line)
	}
	file := filepath.Join(t.dir, "keys")
	if err := os.WriteFile(file, lines, 0o600); err != nil {
		return nil, nil, err
	}
	ring, err := keyring.Open(file, slog.New(slog.DiscardHandler))
	return ring, keys, err
}

// sweep makes one sweep.
func (t *target) sweep(ctx context.Context) error {
	before := t.swept
	if err := t.sweeper.Sweep(ctx); err != nil {
		return err
	}
	if t.swept != before+1 {
		return errors.New("it was not this process's turn to sweep")
	}
	return nil
}

// settle makes the sweeper's note say that the hourly work is done, as it is for most sweeps. The note is that of a
// sweep in an empty directory.
func (t *target) settle(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "empty")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	st, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		return err
	}
	defer st.Close()
	s, err := sweeper.New(sweeper.Config{Store: st, Queue: queuefake.New(queuefake.Config{})})
	if err != nil {
		return err
	}
	if err := s.Sweep(ctx); err != nil {
		return err
	}
	note, err := st.Note(store.SweepNote)
	if err != nil {
		return err
	}
	return t.store.SetNote(store.SweepNote, note)
}
