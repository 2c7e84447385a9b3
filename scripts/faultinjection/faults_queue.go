//go:build linux

package main

import (
	"context"
	"time"

	"github.com/atelier-go/atelier/pkg/queue/queuefake"
)

func unreliableQueue() *scenario {
	return &scenario{
		name: "unreliable-queue", breaks: "messages come twice, late, out of order and while they should be hidden; deletes do nothing; calls fail, before or after they have had their effect",
		queue: queuefake.Faults{
			Duplicate: 0.1, Delay: 0.2, DelayUpTo: 3 * time.Second, Stale: 0.05, LostDelete: 0.1,
			// The SDK repeats failed calls, so few of these failures reach the programs.
			Lost:    map[queuefake.Call]float64{queuefake.Send: 0.15, queuefake.Receive: 0.1, queuefake.Delete: 0.15, queuefake.Extend: 0.15},
			Refused: map[queuefake.Call]float64{queuefake.Send: 0.15, queuefake.Receive: 0.1, queuefake.Delete: 0.15, queuefake.Extend: 0.15, queuefake.Depth: 0.3},
		},
	}
}

func queueAway() *scenario {
	const away = time.Minute
	return &scenario{
		name: "queue-away", breaks: "the queue service can't be reached for a minute",
		every: 5 * time.Second, takes: away, short: size{300, 1}, long: size{3000, 10},
		fault: func(ctx context.Context, t *trial) bool {
			t.network.cut()
			_ = pause(ctx, away)
			t.network.connect()
			return true
		},
	}
}

// oneDaemon prepares a stack with fewer daemons than the load needs, so that messages wait in the queue.
func oneDaemon(ctx context.Context, c *settings) error {
	c.daemons = 1
	return slowly(ctx, c)
}

func queueCrash() *scenario {
	return &scenario{
		name: "queue-crash", breaks: "the queue service is killed, and comes back a second later without the messages of its last three seconds",
		prepare: oneDaemon, every: time.Second, takes: time.Second, short: size{600, 5}, long: size{6000, 50},
		fault: func(ctx context.Context, t *trial) bool {
			t.network.cut()
			t.queue.Lose(time.Now().Add(-3 * time.Second))
			_ = pause(ctx, time.Second)
			t.network.connect()
			return true
		},
	}
}

func purge() *scenario {
	return &scenario{
		name: "purge", breaks: "all messages are removed, those in flight too",
		prepare: oneDaemon, every: time.Second, short: size{600, 5}, long: size{6000, 50},
		fault: func(_ context.Context, t *trial) bool { return t.queue.Purge() > 0 },
	}
}
