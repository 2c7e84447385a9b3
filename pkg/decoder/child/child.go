//go:build linux

// Package child is the decoding side of pkg/decoder: a process that handles requests until its
// standard input is closed. It can be killed at any moment.
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

// A Request is a request of the parent process.
type Request = protocol.Request

// A Reply is the result of a request.
type Reply = protocol.Reply

// A Decode function handles a request whose pictures are in input. It appends to output what the
// reply describes. input is valid until it returns.
type Decode func(req Request, input []byte, output io.Writer) (Reply, error)

// Serve handles requests one at a time until standard input is closed, which ends the process even
// during a decode. Before each request it limits the process: RLIMIT_DATA counts the private
// writable memory. RLIMIT_AS would not work, because Go reserves more than a gigabyte of addresses.
// The limit is relative to what the process had when Serve began.
func Serve(decode Decode) error {
	statm, err := os.Open("/proc/self/statm")
	if err != nil {
		return err
	}
	defer statm.Close()
	began, err := dataSize(statm)
	if err != nil {
		return err
	}
	// If the machine runs out of memory, the kernel should kill this process instead of the
	// worker. Not every system allows this setting, and none requires it.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	// Little memory stays in use between two pictures. A value of 400 saves one collection in
	// ten pictures of 400 x 300, but takes twice the memory, which costs page faults at 1024 x
	// 1024.
	debug.SetGCPercent(200)
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("set RLIMIT_CORE: %w", err)
	}
	go exitWithParent()
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, protocol.MaxLine)
	// Memory is released only after a pause, not between consecutive pictures. The worker counts
	// it as used until the picture is painted.
	const pause = 200 * time.Millisecond
	release := time.AfterFunc(time.Hour, debug.FreeOSMemory)
	for lines.Scan() {
		release.Stop()
		var req Request
		if err := json.Unmarshal(lines.Bytes(), &req); err != nil {
			return fmt.Errorf("read a request: %w", err)
		}
		if err := setLimits(req, began); err != nil {
			return err
		}
		reply, err := handle(decode, req)
		if err != nil {
			return err
		}
		now, err := dataSize(statm)
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
			runtime.GC() // with this garbage the next picture might not fit below the limit
			release.Reset(pause)
		}
	}
	return lines.Err()
}

// exitWithParent ends the process when the other end of its standard input is closed. Another
// goroutine reads the requests: passing them on from here would wake a thread for each.
func exitWithParent() {
	stdin := []unix.PollFd{{}} // no events, so that it waits for the hangup only
	for {
		if n, err := unix.Poll(stdin, -1); n > 0 || err != nil && !errors.Is(err, unix.EINTR) {
			os.Exit(0)
		}
	}
}

func handle(decode Decode, req Request) (Reply, error) {
	var input []byte
	if n := req.Photo.Bytes + req.Style.Bytes; n > 0 {
		var err error
		if input, err = unix.Mmap(protocol.InputFD, 0, int(n), unix.PROT_READ, unix.MAP_SHARED); err != nil {
			return Reply{}, fmt.Errorf("map the pictures: %w", err)
		}
		defer func() { _ = unix.Munmap(input) }() // if it fails, the pictures stay mapped
	}
	out := &output{}
	reply, err := decode(req, input, out)
	if err == nil && out.err != nil {
		err = out.err
	}
	reply.Error = protocol.ErrorOf(err)
	return reply, nil
}

// setLimits limits the process to what the request may take.
func setLimits(req Request, began int64) error {
	const margin = 8 << 20                               // for stacks and the runtime itself
	debug.SetMemoryLimit(max(req.Memory-margin, margin)) // the collector runs more often instead of exceeding the limit
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

// dataSize returns the private writable memory of this process in bytes, as RLIMIT_DATA counts it.
func dataSize(statm io.ReaderAt) (int64, error) {
	var b [200]byte // for seven numbers
	n, err := statm.ReadAt(b[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	const field = 5 // proc(5): size, resident, shared, text, lib, data
	fields := bytes.Fields(b[:n])
	if len(fields) <= field {
		return 0, fmt.Errorf("/proc/self/statm contains %q", b[:n])
	}
	pages, err := strconv.ParseInt(string(fields[field]), 10, 64)
	return pages * int64(os.Getpagesize()), err
}

// output writes to the output file from its start.
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
