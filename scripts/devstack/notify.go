package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"time"
)

// A notifySocket receives the readiness notification of a part, as in sd_notify(3).
type notifySocket struct {
	dir  string
	conn *net.UnixConn
}

func listenNotify() (*notifySocket, error) {
	dir, err := os.MkdirTemp("", "atl") // short: a socket's path has at most 107 characters
	if err != nil {
		return nil, err
	}
	s := &notifySocket{dir: dir}
	s.conn, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: s.path(), Net: "unixgram"})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

func (s *notifySocket) path() string { return filepath.Join(s.dir, "s") }

func (s *notifySocket) close() error { return errors.Join(s.conn.Close(), os.RemoveAll(s.dir)) }

// wait returns when the part has sent READY=1.
func (s *notifySocket) wait(ctx context.Context) error {
	if err := s.conn.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	// This must come after the line above, or an ended ctx would not interrupt the read.
	stop := context.AfterFunc(ctx, func() { _ = s.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	buf := make([]byte, 64)
	for {
		n, err := s.conn.Read(buf)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		if string(buf[:n]) == "READY=1" {
			return nil
		}
	}
}
