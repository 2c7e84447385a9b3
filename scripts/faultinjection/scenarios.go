package main

import (
	"context"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/atelier-go/atelier/pkg/queue/queuefake"
)

// A scenario is a kind of fault, and what may come of it.
type scenario struct {
	name    string
	about   string
	faults  queuefake.Faults
	rate    float64 // submissions a second; 0: as fast as they are accepted
	allowed []string
	// disturb breaks things until ctx ends, when all jobs are submitted, or until it has done so often enough. It
	// returns how often it has.
	disturb func(ctx context.Context, s *stack, chance *rand.Rand, times int) int
}

// between waits for a time by chance, with a mean.
func between(ctx context.Context, chance *rand.Rand, mean time.Duration) error {
	return pause(ctx, time.Duration(chance.ExpFloat64()*float64(mean)))
}

// repeat does something again and again, with pauses between.
func repeat(ctx context.Context, chance *rand.Rand, times int, mean time.Duration, do func() bool) (n int) {
	for n < times && between(ctx, chance, mean) == nil {
		if do() {
			n++
		}
	}
	return n
}

var scenarios = []scenario{
	{
		name: "undisturbed", about: "nothing is broken",
		disturb: func(context.Context, *stack, *rand.Rand, int) int { return 0 },
	},
	{
		name: "kill", about: "SIGKILL at random moments to servers, with their sweepers, and daemons",
		disturb: func(ctx context.Context, s *stack, chance *rand.Rand, times int) int {
			all := s.processes()
			return repeat(ctx, chance, times, 300*time.Millisecond, func() bool { return all[chance.IntN(len(all))].signal(syscall.SIGKILL) })
		},
	},
	{
		name: "stop", about: "SIGTERM, sometimes twice",
		disturb: func(ctx context.Context, s *stack, chance *rand.Rand, times int) int {
			all := s.processes()
			return repeat(ctx, chance, times, 500*time.Millisecond, func() bool {
				p := all[chance.IntN(len(all))]
				ok := p.signal(syscall.SIGTERM)
				if chance.IntN(2) == 0 {
					p.signal(syscall.SIGTERM)
				}
				return ok
			})
		},
	},
	{
		name: "pause", about: "daemons are frozen for longer than their lease, and continue",
		disturb: func(ctx context.Context, s *stack, chance *rand.Rand, times int) int {
			return repeat(ctx, chance, times, time.Second, func() bool {
				p := s.daemons[chance.IntN(len(s.daemons))]
				ok := p.signal(syscall.SIGSTOP)
				_ = pause(ctx, 3*time.Second)
				p.signal(syscall.SIGCONT)
				return ok
			})
		},
	},
	{
		name: "pause and kill", about: "daemons are frozen for longer than their lease, continue, and are killed a moment later",
		disturb: func(ctx context.Context, s *stack, chance *rand.Rand, times int) int {
			return repeat(ctx, chance, times, time.Second, func() bool {
				p := s.daemons[chance.IntN(len(s.daemons))]
				ok := p.signal(syscall.SIGSTOP)
				_ = pause(ctx, 3*time.Second)
				p.signal(syscall.SIGCONT)
				_ = pause(ctx, rand.N(30*time.Millisecond))
				p.signal(syscall.SIGKILL)
				return ok
			})
		},
	},
	{
		name: "unreliable queue", about: "messages come twice, late and out of order, deletes and responses are lost",
		faults: queuefake.Faults{
			Duplicate: 0.1, Delay: 0.2, DelayUpTo: 3 * time.Second, Stale: 0.05, LostDelete: 0.1,
			Lost:    map[queuefake.Call]float64{queuefake.Send: 0.05, queuefake.SendAll: 0.05, queuefake.Receive: 0.05, queuefake.Delete: 0.05, queuefake.Extend: 0.05},
			Refused: map[queuefake.Call]float64{queuefake.Send: 0.05, queuefake.Receive: 0.05, queuefake.Delete: 0.05, queuefake.Depth: 0.2},
		},
		disturb: func(context.Context, *stack, *rand.Rand, int) int { return 0 },
	},
	{
		name: "queue away", about: "the queue is away for ten seconds, again and again",
		disturb: func(ctx context.Context, s *stack, chance *rand.Rand, times int) int {
			return repeat(ctx, chance, times, 5*time.Second, func() bool {
				s.sqs.SetAway(true)
				_ = pause(ctx, 10*time.Second)
				s.sqs.SetAway(false)
				return true
			})
		},
	},
	{
		name: "queue loses", about: "the queue forgets what was sent in its last seconds, as a server that is killed",
		disturb: func(ctx context.Context, s *stack, chance *rand.Rand, times int) int {
			return repeat(ctx, chance, times, 3*time.Second, func() bool { return s.queue.Lose(time.Now().Add(-3*time.Second)) > 0 })
		},
	},
	{
		name: "purge", about: "somebody purges the queue",
		disturb: func(ctx context.Context, s *stack, chance *rand.Rand, times int) int {
			return repeat(ctx, chance, times, 3*time.Second, func() bool { return s.queue.Purge() > 0 })
		},
	},
}
