//go:build linux

package main

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/atelier-go/atelier/scripts/devstack/metadatatest"
)

func functions() *scenario {
	return &scenario{
		name: "functions", breaks: "daemons and functions on one queue, with batches of ten; SIGKILL to them and to API servers",
		every: 500 * time.Millisecond,
		prepare: func(ctx context.Context, c *settings) error {
			c.daemons, c.functions, c.functionTimeout = 2, 2, 10*time.Second
			return slowly(ctx, c)
		},
		fault: func(_ context.Context, t *trial) bool {
			if t.chance.IntN(2) == 0 {
				return t.killFunction()
			}
			return one(t.chance, t.processes()).signal(syscall.SIGKILL)
		},
	}
}

func deadline() *scenario {
	return &scenario{
		name: "deadline", breaks: "functions with a time-out of 3 s get batches of ten, in which every second picture takes more than a second, so that the time-out comes within a batch",
		checks: "no job is given up because of the time-out",
		short:  size{jobs: 60}, long: size{jobs: 600},
		special: special{color: "slow", every: 2},
		prepare: func(ctx context.Context, c *settings) error {
			c.daemons, c.functions, c.functionTimeout = 0, 2, 3*time.Second
			return hostile(ctx, c)
		},
	}
}

func spotNotice() *scenario {
	var services []*metadatatest.Service
	return &scenario{
		name: "spot-notice", breaks: "the instance of a daemon gets a Spot interruption notice, and is replaced by another one",
		checks: "the daemon ends by itself",
		every:  2 * time.Second, takes: 3 * time.Second, short: size{600, 6}, long: size{6000, 60},
		prepare: func(ctx context.Context, c *settings) error {
			for range c.daemons {
				service := new(metadatatest.Service)
				server, err := newNetwork(service)
				if err != nil {
					return err
				}
				services = append(services, service)
				c.cleanup(func() error { server.close(); return nil })
				c.daemonEnvs = append(c.daemonEnvs, []string{
					"AWS_EC2_METADATA_DISABLED=false", "AWS_EC2_METADATA_SERVICE_ENDPOINT=http://" + server.address, "ATELIER_INSTANCE_NOTICES=1",
				})
			}
			return slowly(ctx, c)
		},
		fault: func(ctx context.Context, t *trial) bool {
			n := t.chance.IntN(len(services))
			before := t.daemons[n].starts()
			services[n].Announce("spot/instance-action", fmt.Sprintf(`{"action":"terminate","time":%q}`, time.Now().Add(2*time.Minute).UTC().Format(time.RFC3339)))
			defer services[n].Announce("spot/instance-action", "")
			for range 100 {
				if t.daemons[n].starts() > before {
					return true
				}
				if pause(ctx, 100*time.Millisecond) != nil {
					return false
				}
			}
			t.fail("a daemon did not end within 10 s of its Spot notice")
			return false
		},
	}
}
