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

// listen refuses any address that others could reach, unless they need keys.
func listen(address string, keys bool, log *slog.Logger) (net.Listener, error) {
	addr, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	public := !addr.IP.IsLoopback() // also no address at all, which means every one
	if public && !keys {
		return nil, fmt.Errorf("listen: %s is not a loopback address: without API keys anybody could use the server; take 127.0.0.1, or give it --keys", address)
	}
	l, err := net.ListenTCP("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w; --listen takes another port", err)
	}
	if public {
		log.Warn("keys and pictures come in the clear: let nobody reach this port but what speaks TLS to the outside", "address", l.Addr())
	}
	return l, nil
}

// serve answers requests on so many connections at most until ctx ends, then lets the
// running ones finish; it calls hurry so that those that merely wait do.
func serve(ctx context.Context, l net.Listener, h http.Handler, most int, hurry func()) error {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       5 * time.Minute, // a large picture over a slow line
		MaxHeaderBytes:    32 << 10,
		WriteTimeout:      5 * time.Minute, // far above api.DefaultMaxWait
		IdleTimeout:       2 * time.Minute,
	}
	newConnections(most).install(server)
	server.RegisterOnShutdown(hurry)
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
		return errors.Join(errors.New("stop: some requests were cut off"), server.Close())
	}
	return err
}
