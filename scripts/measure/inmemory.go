package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strconv"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/pkg/queue/queuefake"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
	"github.com/atelier-go/atelier/scripts/measure/process"
)

// startAPI runs the API in a process of its own, on a real directory with a queue in memory. It
// returns the URL.
func (s *session) startAPI(ctx context.Context, dir string) (*process.Process, string, error) {
	port, err := ministack.FreePort()
	if err != nil {
		return nil, "", err
	}
	t := task{Dir: filepath.Join(dir, "store"), Address: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
	cmd, _, err := child(context.WithoutCancel(ctx), "api", t) // ended by Stop
	if err != nil {
		return nil, "", err
	}
	p, err := process.Begin(ctx, dir, "api", cmd, process.Responds("http://"+t.Address+"/readyz"))
	return p, "http://" + t.Address, err
}

// serveAPI serves until SIGTERM.
func serveAPI(ctx context.Context, t task, _ io.Writer) (err error) {
	st, err := store.Open(store.Config{Dir: t.Dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	handler, err := api.New(api.Config{Store: st, Queue: queuefake.New(queuefake.Config{}), Version: "bench"})
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
