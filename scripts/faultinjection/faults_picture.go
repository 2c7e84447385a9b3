//go:build linux

package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/atelier-go/atelier/pkg/job"
)

// hostile puts a library in front of ONNX Runtime that crashes, hangs or waits at pictures of certain colors:
// testdata/hostile.c.
func hostile(ctx context.Context, c *settings) error {
	list := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/yalue/onnxruntime_go")
	list.Dir = c.root
	header, err := list.Output()
	if err != nil {
		return fmt.Errorf("find ONNX Runtime's header: %w", err)
	}
	library := filepath.Join(c.folder, "libhostile.so")
	cc := exec.CommandContext(ctx, "cc", "-shared", "-fPIC", "-O2", "-Wall", "-I"+strings.TrimSpace(string(header)), //nolint:gosec // ours
		fmt.Sprintf("-DREAL=%q", c.library), "-o", library, filepath.Join(c.root, "scripts", "faultinjection", "testdata", "hostile.c"), "-ldl")
	if out, err := cc.CombinedOutput(); err != nil {
		return fmt.Errorf("compile hostile.c: %w\n%s", err, out)
	}
	c.library = library
	return nil
}

// slowly makes each picture take 30 ms longer in the engine, without using the processor, so that workers mostly have a
// job in work when a fault comes.
func slowly(ctx context.Context, c *settings) error {
	c.more = append(c.more, "HOSTILE_DELAY_MS=30")
	return hostile(ctx, c)
}

func poison() *scenario {
	return &scenario{
		name: "poison", breaks: "each 40th picture crashes its worker inside C (abort)", checks: "these, and no others, are given up",
		short: size{jobs: 240}, long: size{jobs: 2400},
		special: special{color: "crash", every: 40, fails: job.CodeGaveUp}, prepare: hostile,
	}
}

func hang() *scenario {
	return &scenario{
		name: "hang", breaks: "each 40th picture makes the engine hang", checks: "these, and no others, are given up",
		short: size{jobs: 160}, long: size{jobs: 1600},
		special: special{color: "hang", every: 40, fails: job.CodeGaveUp},
		prepare: func(ctx context.Context, c *settings) error {
			c.daemonArgs = append(c.daemonArgs, "--watchdog", "2s")
			return hostile(ctx, c)
		},
	}
}
