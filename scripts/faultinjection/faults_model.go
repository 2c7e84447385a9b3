//go:build linux

package main

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// modelFault breaks the model, kills daemons, which then start with the broken model, and repairs it.
func modelFault(broken, mended func(dir string) error) func(context.Context, *trial) bool {
	return func(ctx context.Context, t *trial) bool {
		ok := broken(t.model) == nil
		_ = pause(ctx, within(t.chance, 300*time.Millisecond))
		one(t.chance, t.daemons).signal(syscall.SIGKILL)
		_ = pause(ctx, time.Second)
		one(t.chance, t.daemons).signal(syscall.SIGKILL)
		_ = pause(ctx, time.Second)
		return mended(t.model) == nil && ok
	}
}

func modelGone() *scenario {
	return &scenario{
		name: "model-gone", breaks: "the model's folder is renamed for two seconds, in which daemons are killed and can't start",
		every: time.Second, takes: 2200 * time.Millisecond, short: size{600, 10}, long: size{6000, 100},
		fault: modelFault(
			func(dir string) error { return os.Rename(dir, dir+".away") },
			func(dir string) error { return os.Rename(dir+".away", dir) },
		),
	}
}

func modelBroken() *scenario {
	const network, whole = "transform.onnx", "transform.onnx.whole"
	return &scenario{
		name: "model-broken", breaks: "the network's file is cut short in place for two seconds, in which daemons are killed and can't start",
		prepare: func(_ context.Context, c *settings) error {
			b, err := os.ReadFile(filepath.Join(c.model, network))
			if err == nil {
				err = os.WriteFile(filepath.Join(c.folder, whole), b, 0o600)
			}
			return err
		},
		every: time.Second, takes: 2200 * time.Millisecond, short: size{600, 10}, long: size{6000, 100},
		fault: modelFault(
			func(dir string) error { return os.Truncate(filepath.Join(dir, network), 100) },
			func(dir string) error {
				b, err := os.ReadFile(filepath.Join(dir, "..", whole))
				if err == nil {
					err = os.WriteFile(filepath.Join(dir, network), b, 0o600)
				}
				return err
			},
		),
	}
}
