//go:build linux

package main

import (
	"context"
	"time"
)

func bucketAway() *scenario {
	const away = time.Minute
	return &scenario{
		name: "bucket-away", breaks: "the bucket can't be reached, or does not respond, for a minute",
		checks: "copies that fail meanwhile are made later",
		every:  5 * time.Second, takes: away, short: size{300, 2}, long: size{3000, 10},
		fault: func(ctx context.Context, t *trial) bool {
			if t.chance.IntN(2) == 0 {
				t.objects.network.cut()
			} else {
				t.objects.network.hold()
			}
			_ = pause(ctx, away)
			t.objects.network.connect()
			return true
		},
	}
}
