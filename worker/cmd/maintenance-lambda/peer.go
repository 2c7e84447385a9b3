package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// The two executions of a pair are numbered.
const (
	firstRole  = "first"
	secondRole = "second"
)

// peerTimeout is how long an execution waits for the next step of the other one. It covers the
// other's cold start, and the time until an invocation that was throttled is repeated.
const peerTimeout = 90 * time.Second

// A peer is one of two executions of the function that use a folder of the shared directory at the
// same time. They exchange messages there, in files, step by step.
type peer struct {
	dir         string // of both executions
	role, other string
	step        int
}

var pairIDs = regexp.MustCompile(`^[a-z0-9]{8,32}$`)

// join makes this execution one of the two of the pair with the given id.
func join(dir, id string) (*peer, error) {
	if !pairIDs.MatchString(id) {
		return nil, fmt.Errorf("the pair %.40q: want 8 to 32 lowercase letters and digits", id)
	}
	at := filepath.Join(dir, "tmp", "verify-"+id)
	if err := os.Mkdir(at, 0o750); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	for _, p := range []peer{{at, firstRole, secondRole, 0}, {at, secondRole, firstRole, 0}} {
		f, err := os.OpenFile(filepath.Join(at, p.role), os.O_CREATE|os.O_EXCL, 0o640)
		if err == nil {
			return &p, f.Close()
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("the pair %s has two executions already: use another name", id)
}

// exchange sends a message, and returns the message that the other execution sends in the same
// step.
func (p *peer) exchange(ctx context.Context, message string) (string, error) {
	p.step++
	if err := p.write(fmt.Sprintf("%d.%s", p.step, p.role), message); err != nil {
		return "", err
	}
	return p.await(ctx, fmt.Sprintf("%d.%s", p.step, p.other))
}

// meet waits until the other execution has called it too. After that, everything is visible that
// the other one did before.
func (p *peer) meet(ctx context.Context) error {
	_, err := p.exchange(ctx, "")
	return err
}

func (p *peer) write(name, content string) error {
	next := filepath.Join(p.dir, "next."+p.role)
	return errors.Join(os.WriteFile(next, []byte(content), 0o640), os.Rename(next, filepath.Join(p.dir, name)))
}

// await waits for a file that the other execution writes, and returns its content. It lists the
// folder, because a listing asks the server, whereas an NFS client may remember for some time that
// a name did not exist.
func (p *peer) await(ctx context.Context, name string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, peerTimeout, fmt.Errorf("the %s execution did not come within %v; was its invocation throttled?", p.other, peerTimeout))
	defer cancel()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		entries, err := os.ReadDir(p.dir)
		if err != nil {
			return "", err
		}
		ended := false
		for _, e := range entries {
			if e.Name() == name {
				b, err := os.ReadFile(filepath.Join(p.dir, name))
				return string(b), err
			}
			ended = ended || e.Name() == p.endOf(p.other)
		}
		if ended {
			b, err := os.ReadFile(filepath.Join(p.dir, p.endOf(p.other)))
			return "", errors.Join(fmt.Errorf("the %s execution has ended: %s", p.other, strings.TrimSpace(string(b))), err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}

func (*peer) endOf(role string) string { return "end." + role }

// leave ends the part of this execution. If failure is not nil, the other execution stops waiting
// too. The first execution removes the folder, when the second one has left it or has not come.
func (p *peer) leave(ctx context.Context, failure error) error {
	ending := "done"
	if failure != nil {
		ending = failure.Error()
	}
	if err := p.write(p.endOf(p.role), ending); err != nil || p.role == secondRole {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_, _ = p.await(ctx, p.endOf(p.other)) // the peer was killed, or never came
	return os.RemoveAll(p.dir)
}
