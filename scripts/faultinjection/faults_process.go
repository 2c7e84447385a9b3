//go:build linux

package main

import (
	"context"
	"math/rand/v2"
	"syscall"
	"time"
)

func undisturbed() *scenario {
	return &scenario{name: "undisturbed", breaks: "nothing"}
}

func kill() *scenario {
	return &scenario{
		name: "kill", breaks: "SIGKILL at random moments to API servers and daemons, with the sweepers in them",
		every: 600 * time.Millisecond, long: size{10_000, 1_000}, prepare: slowly,
		fault: func(_ context.Context, t *trial) bool {
			return one(t.chance, t.processes()).signal(syscall.SIGKILL)
		},
	}
}

func terminate() *scenario {
	return &scenario{
		name: "terminate", breaks: "SIGTERM to API servers and daemons, half of the time twice",
		prepare: slowly, every: 400 * time.Millisecond, takes: 50 * time.Millisecond,
		fault: func(ctx context.Context, t *trial) bool {
			p, twice := one(t.chance, t.processes()), t.chance.IntN(2) == 0
			ok := p.signal(syscall.SIGTERM)
			_ = pause(ctx, within(t.chance, 100*time.Millisecond))
			if twice {
				p.signal(syscall.SIGTERM)
			}
			return ok
		},
	}
}

// frozen is longer than a lease and than the visibility of a message.
const frozen = lease + time.Second

func pauseProcesses() *scenario {
	return &scenario{
		name: "pause", breaks: "API servers and daemons are stopped (SIGSTOP) for longer than a lease, and continue",
		prepare: slowly, every: 500 * time.Millisecond, takes: frozen, short: size{1500, 10}, long: size{15_000, 100},
		fault: func(ctx context.Context, t *trial) bool {
			p := one(t.chance, t.processes())
			ok := p.signal(syscall.SIGSTOP)
			_ = pause(ctx, frozen)
			p.signal(syscall.SIGCONT)
			return ok
		},
	}
}

func pauseAndKill() *scenario {
	return &scenario{
		name: "pause-kill", breaks: "daemons are stopped for longer than a lease, continue, and are killed within 30 ms",
		prepare: slowly, every: 500 * time.Millisecond, takes: frozen, short: size{1500, 10}, long: size{15_000, 100},
		fault: func(ctx context.Context, t *trial) bool {
			p, after := one(t.chance, t.daemons), within(t.chance, 30*time.Millisecond)
			ok := p.signal(syscall.SIGSTOP)
			_ = pause(ctx, frozen)
			p.signal(syscall.SIGCONT)
			_ = pause(ctx, after)
			return ok && p.signal(syscall.SIGKILL)
		},
	}
}

func clocks() *scenario {
	return &scenario{
		name: "clocks", breaks: "clocks of servers and daemons that are up to an hour apart from each other and the file server's, and SIGKILL",
		every: 500 * time.Millisecond,
		prepare: func(ctx context.Context, c *settings) error {
			c.clocks = []time.Duration{0, time.Hour, 30 * time.Minute}
			return slowly(ctx, c)
		},
		fault: func(_ context.Context, t *trial) bool {
			return one(t.chance, t.processes()).signal(syscall.SIGKILL)
		},
	}
}

func sweepers() *scenario {
	return &scenario{
		name: "sweepers", breaks: "four API servers that sweep at the same time are killed while the queue loses a part of its messages again and again",
		every: 300 * time.Millisecond,
		prepare: func(_ context.Context, c *settings) error {
			c.servers = 4
			return nil
		},
		fault: func(_ context.Context, t *trial) bool {
			if t.chance.IntN(5) == 0 {
				t.queue.Lose(time.Now().Add(-within(t.chance, 2*time.Second)))
			}
			return one(t.chance, t.servers).signal(syscall.SIGKILL)
		},
	}
}

// within returns a random time below d.
func within(chance *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(chance.Int64N(int64(d)))
}
