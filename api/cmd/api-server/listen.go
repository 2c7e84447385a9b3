package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// listen opens a listener at an address. Without API keys it returns an error for an address that
// other machines can reach.
func listen(address string, keys bool, log *slog.Logger) (net.Listener, error) {
	addr, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	public := !addr.IP.IsLoopback() // also for no address, which means all
	if public && !keys {
		return nil, fmt.Errorf("listen: %s is not a loopback address: without API keys anyone could use the server; use 127.0.0.1, or set --keys", address)
	}
	l, err := net.ListenTCP("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w; --listen sets another port", err)
	}
	if public {
		log.Warn("keys and pictures are not encrypted here: only a TLS proxy should be able to reach this port", "address", l.Addr())
	}
	return l, nil
}

// serve serves requests on at most maxConnections connections until ctx ends. Then it accepts no
// more, calls endWaits so that requests with ?wait end at once, and waits for the others, for at
// most 20 s.
func serve(ctx context.Context, l net.Listener, h http.Handler, maxConnections int, endWaits func()) error {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       5 * time.Minute, // a large picture over a slow connection
		MaxHeaderBytes:    32 << 10,
		WriteTimeout:      5 * time.Minute, // far above api.DefaultMaxWait
		IdleTimeout:       2 * time.Minute,
	}
	newConnections(maxConnections).install(server)
	server.RegisterOnShutdown(endWaits)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	err := server.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.Join(errors.New("stop: some requests were aborted"), server.Close())
	}
	return err
}
