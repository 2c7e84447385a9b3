package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// verifyPair tests what the store relies on between two NFS clients, together with another
// execution that is invoked with the same id at the same time. It logs each check, and whether the
// two executions really were two clients. environment is the name of this execution in the log.
func verifyPair(ctx context.Context, dir, id, environment string, log *slog.Logger) (err error) {
	p, err := join(dir, id)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.leave(ctx, err)) }()
	me, err := identify(p.dir, environment)
	if err != nil {
		return err
	}
	log.Info("file system client", "role", p.role, "environment", me.Environment, "kernel", me.Kernel, "device", me.Device)
	mine, err := json.Marshal(me)
	if err != nil {
		return err
	}
	theirs, err := p.exchange(ctx, string(mine))
	if err != nil {
		return err
	}
	var peer client
	if err := json.Unmarshal([]byte(theirs), &peer); err != nil {
		return err
	}
	stale, err := p.seesStale(ctx)
	if err != nil {
		return err
	}
	for _, check := range pairChecks {
		began := time.Now()
		failed := p.bothWays(ctx, check.run)
		logCheck(log, "file system check by two executions", check.name, time.Since(began), failed)
		if failed != nil {
			return fmt.Errorf("%s: %w", check.name, failed) // the executions are no longer in step
		}
	}
	clients, evidence := countClients(me, peer, stale)
	log.Info("file system clients compared", "clients", clients, "evidence", evidence)
	return nil
}

// A client describes the NFS client that an execution uses.
type client struct {
	Environment string // of the execution
	Kernel      string // its boot id
	Device      string // the mount in that kernel
}

func identify(at, environment string) (client, error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return client{}, err
	}
	var st unix.Stat_t
	if err := unix.Stat(at, &st); err != nil {
		return client{}, err
	}
	device := uint64(st.Dev) //nolint:unconvert // signed on some systems
	return client{environment, strings.TrimSpace(string(boot)), fmt.Sprintf("%d:%d", unix.Major(device), unix.Minor(device))}, nil
}

// countClients returns whether two executions used one or two NFS clients, as far as this can be
// known, and the evidence. stale is the result of seesStale. Equal boot ids are no evidence,
// because virtual machines that are copies of one machine can have the same.
func countClients(a, b client, stale bool) (clients, evidence string) {
	switch {
	case stale:
		return "two", "one did not see a change by the other at once"
	case a.Kernel != b.Kernel:
		return "two", "their kernels differ"
	case a.Device != b.Device:
		return "two", "their mounts differ"
	case a.Environment == b.Environment:
		return "one", "they are one execution environment"
	}
	return "unknown", "they have the same boot id and mount and saw each other's changes at once"
}

// seesStale reports whether one of the executions still sees the old value of an attribute after
// the other one has changed it. That is impossible if both use one client. An NFS client caches
// attributes for at least three seconds, unless the server recalls them.
func (p *peer) seesStale(ctx context.Context) (bool, error) {
	at := filepath.Join(p.dir, "attributes") // not in the folder that is listed, because a listing may return attributes
	if err := os.Mkdir(at, 0o750); err != nil && !errors.Is(err, fs.ErrExist) {
		return false, err
	}
	mine, theirs := filepath.Join(at, p.role), filepath.Join(at, p.other)
	if err := errors.Join(os.WriteFile(mine, []byte("a"), 0o640), p.meet(ctx)); err != nil {
		return false, err
	}
	if _, err := os.Lstat(theirs); err != nil {
		return false, err
	}
	if err := errors.Join(p.meet(ctx), os.WriteFile(mine, []byte("longer"), 0o640), p.meet(ctx)); err != nil {
		return false, err
	}
	after, err := os.Lstat(theirs)
	if err != nil {
		return false, err
	}
	stale := after.Size() == 1
	theySaw, err := p.exchange(ctx, strconv.FormatBool(stale))
	return stale || theySaw == "true", err
}

// bothWays runs a check twice: the first execution leads first, and then the second one.
func (p *peer) bothWays(ctx context.Context, check func(ctx context.Context, p *peer, at string, leads bool) error) error {
	for _, leader := range []string{firstRole, secondRole} {
		at := filepath.Join(p.dir, fmt.Sprintf("check.%d", p.step))
		if err := os.Mkdir(at, 0o750); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := p.meet(ctx); err != nil {
			return err
		}
		if err := check(ctx, p, at, p.role == leader); err != nil {
			return err
		}
	}
	return nil
}
