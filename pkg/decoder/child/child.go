//go:build linux

// Package child is the side of pkg/decoder that decodes: a process that reads
// requests until its standard input ends, and can be killed at any moment.
package child

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/atelier-go/atelier/pkg/decoder/internal/protocol"
)

// A Request is what the other side asks for.
type Request = protocol.Request

// A Reply says what became of a request.
type Reply = protocol.Reply

// A Decode function handles a request whose pictures are in input. It appends to
// output what the reply describes. input is good until it returns.
type Decode func(req Request, input []byte, output io.Writer) (Reply, error)

// Serve handles requests, one at a time, until standard input ends, which also ends the
// process in the middle of a decode. Before each it bounds the process: RLIMIT_DATA
// counts the private memory that can be written, which RLIMIT_AS would not do, since
// Go reserves more than a gigabyte of addresses. The limit starts from what the process
// had when Serve began.
func Serve(decode Decode) error {
	statm, err := os.Open("/proc/self/statm")
	if err != nil {
		return err
	}
	defer statm.Close()
	began, err := data(statm)
	if err != nil {
		return err
	}
	// Where the machine runs out of memory, this process goes first and not the worker.
	// Not every system lets it say so, and none needs it.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	// Little lives between two pictures. With 400 a collection less in ten pictures of 400 x 300,
	// and twice the memory, which one of 1024 x 1024 has to touch first.
	debug.SetGCPercent(200)
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("set RLIMIT_CORE: %w", err)
	}
	go exitWithParent()
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, protocol.MaxLine)
	// Not between pictures one after another. The worker counts the memory until the picture
	// is painted.
	const pause = 200 * time.Millisecond
	release := time.AfterFunc(time.Hour, debug.FreeOSMemory)
	for lines.Scan() {
		release.Stop()
		var req Request
		if err := json.Unmarshal(lines.Bytes(), &req); err != nil {
			return fmt.Errorf("read a request: %w", err)
		}
		if err := bound(req, began); err != nil {
			return err
		}
		reply, err := answer(decode, req)
		if err != nil {
			return err
		}
		now, err := data(statm)
		if err != nil {
			return err
		}
		reply.Grown = now - began
		b, err := json.Marshal(reply)
		if err != nil {
			return err
		}
		if _, err := os.Stdout.Write(append(b, '\n')); err != nil {
			return err
		}
		if reply.Grown > protocol.Held {
			runtime.GC() // beside this garbage the next picture might not fit below the limit
			release.Reset(pause)
		}
	}
	return lines.Err()
}

// exitWithParent ends the process when the other end of its standard input is closed. The
// requests are read by another goroutine: to hand them on would wake a thread for each.
func exitWithParent() {
	stdin := []unix.PollFd{{}} // no events, so that it waits for the hangup alone
	for {
		if n, err := unix.Poll(stdin, -1); n > 0 || err != nil && !errors.Is(err, unix.EINTR) {
			os.Exit(0)
		}
	}
}

func answer(decode Decode, req Request) (Reply, error) {
	var input []byte
	if n := req.Photo.Bytes + req.Style.Bytes; n > 0 {
		var err error
		if input, err = unix.Mmap(protocol.InputFD, 0, int(n), unix.PROT_READ, unix.MAP_SHARED); err != nil {
			return Reply{}, fmt.Errorf("map the pictures: %w", err)
		}
		defer func() { _ = unix.Munmap(input) }() // at worst it stays mapped
	}
	out := &output{}
	reply, err := decode(req, input, out)
	if err == nil && out.err != nil {
		err = out.err
	}
	reply.Error = protocol.ErrorOf(err)
	return reply, nil
}

// bound lets the process take what the request may take, and no more.
func bound(req Request, began int64) error {
	const margin = 8 << 20                               // stacks, and what the runtime needs by itself
	debug.SetMemoryLimit(max(req.Memory-margin, margin)) // the collector works harder instead of reaching the limit
	for _, l := range []struct {
		name     string
		resource int
		most     int64
	}{
		{"RLIMIT_DATA", unix.RLIMIT_DATA, began + req.Memory},
		{"RLIMIT_FSIZE", unix.RLIMIT_FSIZE, req.Output}, // memory files are bounded by it too
	} {
		limit := unix.Rlimit{Cur: uint64(l.most), Max: unix.RLIM_INFINITY} //nolint:gosec // both are sums of sizes
		if err := unix.Setrlimit(l.resource, &limit); err != nil {
			return fmt.Errorf("set %s to %d: %w", l.name, l.most, err)
		}
	}
	return nil
}

// data is the private memory of this process that can be written, in bytes, as
// RLIMIT_DATA counts it.
func data(statm io.ReaderAt) (int64, error) {
	var b [200]byte // seven numbers
	n, err := statm.ReadAt(b[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	const field = 5 // proc(5): size, resident, shared, text, lib, data
	fields := bytes.Fields(b[:n])
	if len(fields) <= field {
		return 0, fmt.Errorf("/proc/self/statm reads %q", b[:n])
	}
	pages, err := strconv.ParseInt(string(fields[field]), 10, 64)
	return pages * int64(os.Getpagesize()), err
}

// output writes to the output from its beginning on.
type output struct {
	at  int64
	err error
}

func (o *output) Write(b []byte) (n int, err error) {
	for n < len(b) && o.err == nil {
		var some int
		some, o.err = unix.Pwrite(protocol.OutputFD, b[n:], o.at)
		n, o.at = n+some, o.at+int64(some)
	}
	return n, o.err
}
