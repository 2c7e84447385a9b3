package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/pkg/queue/queuefake"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/scripts/measure/process"
)

// startInMemory runs the API on a real directory with a queue in memory, and a worker too if the
// task names a model. It returns the URL.
func (s *session) startInMemory(ctx context.Context, t task) (*process.Process, string, error) {
	dir, err := s.folder()
	if err != nil {
		return nil, "", err
	}
	if t.Address, err = loopback(); err != nil {
		return nil, "", err
	}
	t.Dir = filepath.Join(dir, "store")
	cmd, _, err := child(context.WithoutCancel(ctx), "api", t) // ended by Stop
	if err != nil {
		return nil, "", err
	}
	p, err := process.Begin(ctx, dir, "api", cmd, process.Responds("http://"+t.Address+"/readyz"))
	return p, "http://" + t.Address, err
}

// serveInMemory serves until SIGTERM.
func serveInMemory(ctx context.Context, t task, _ io.Writer) (err error) {
	var st *store.Store
	q := queuefake.New(queuefake.Config{})
	if t.Model == "" {
		st, err = store.Open(store.Config{Dir: t.Dir})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, st.Close()) }()
	} else {
		b, berr := openBench(ctx, t)
		if berr != nil {
			return berr
		}
		defer func() { err = errors.Join(err, b.done()) }()
		st, q = b.store, b.queue
	}
	handler, err := api.New(api.Config{Store: st, Queue: q, Version: "bench"})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", t.Address)
	if err != nil {
		return err
	}
	server := http.Server{Handler: handler}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
