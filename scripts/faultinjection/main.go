// Command faultinjection breaks a running stack on purpose, and checks that no job was lost: real servers and daemons
// with a small network, a queue over HTTP that misbehaves to order, and a shared directory. scripts/chaos builds what
// it needs and starts it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

type options struct {
	Jobs  int    `default:"500" help:"Jobs of each scenario."`
	Times int    `default:"50" help:"How often a scenario breaks something, at most."`
	Seed  uint64 `default:"1" help:"Of what happens when; printed with each result. The same seed breaks the same things, as far as processes are as fast."`
	Only  string `default:"." help:"Only scenarios whose names match this pattern."`
	Out   string `help:"File for the results, as JSON lines."`
	Keep  bool   `help:"Keep the folders of all scenarios, not only of those that fail."`

	Bin         string `hidden:"" env:"ATELIER_BIN"`
	Model       string `hidden:"" env:"ATELIER_CHAOS_MODEL"`
	ONNXRuntime string `hidden:"" env:"ATELIER_ONNXRUNTIME"`
	Folder      string `hidden:"" env:"ATELIER_CHAOS_DIR"`
}

func main() {
	var o options
	k := kong.Parse(&o, kong.Name("scripts/chaos"), kong.Description("Breaks a running stack on purpose, and checks that no job was lost."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	k.FatalIfErrorf(o.run(ctx))
}

// A result is that of a scenario.
type result struct {
	Scenario string  `json:"scenario"`
	Seed     uint64  `json:"seed"`
	Jobs     int     `json:"jobs"`
	Broken   int     `json:"broken"` // how often
	Seconds  float64 `json:"seconds"`
	*finding
}

func (o *options) run(ctx context.Context) error {
	only, err := regexp.Compile(o.Only)
	if err != nil {
		return fmt.Errorf("--only: %w", err)
	}
	failed, made := 0, 0
	for _, sc := range scenarios {
		if !only.MatchString(sc.name) {
			continue
		}
		made++
		fmt.Printf("chaos: %s: %s ...\n", sc.name, sc.about)
		r, folder, err := o.scenario(ctx, sc)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", sc.name, err)
		}
		fmt.Printf("chaos: %s: %d jobs accepted, %d succeeded, %d attempts, broken %d times, %.0f s, seed %d\n", sc.name, r.Accepted, r.Succeeded, r.Attempts, r.Broken, r.Seconds, r.Seed)
		if len(r.Wrong) > 0 {
			failed++
			for _, w := range r.Wrong {
				fmt.Println("  " + w)
			}
			fmt.Println("  the folder is", folder)
		} else if !o.Keep {
			if err := os.RemoveAll(folder); err != nil {
				return err
			}
		}
		if err := o.write(r); err != nil {
			return err
		}
	}
	switch {
	case made == 0:
		return fmt.Errorf("no scenario matches %q", o.Only)
	case failed > 0:
		return fmt.Errorf("%d of %d scenarios failed", failed, made)
	}
	return nil
}

func (o *options) write(r *result) error {
	if o.Out == "" {
		return nil
	}
	f, err := os.OpenFile(o.Out, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644) //nolint:gosec // results are for everybody
	if err != nil {
		return err
	}
	return errors.Join(json.NewEncoder(f).Encode(r), f.Close())
}

// scenario runs one on a stack of its own.
func (o *options) scenario(ctx context.Context, sc scenario) (*result, string, error) {
	folder, err := os.MkdirTemp(o.Folder, "scenario.")
	if err != nil {
		return nil, "", err
	}
	began := time.Now()
	s, err := newStack(ctx, settings{
		bin: o.Bin, model: o.Model, onnxruntime: o.ONNXRuntime, folder: folder, servers: 2, daemons: 3, seed: o.Seed, faults: sc.faults,
	})
	if err != nil {
		return nil, folder, err
	}
	defer s.close()
	l := &load{client: &client{servers: s.listen, http: &http.Client{}}, seed: o.Seed}
	if l.pictures, err = pictures(); err != nil {
		return nil, folder, err
	}
	if err := o.reference(ctx, l); err != nil {
		return nil, folder, err
	}
	chance := rand.New(rand.NewPCG(o.Seed, 2)) //nolint:gosec // not for secrets
	loading, over := context.WithCancel(ctx)
	broken := make(chan int, 1)
	go func() { broken <- sc.disturb(loading, s, chance, o.Times) }()
	l.run(ctx, o.Jobs, sc.rate)
	over()
	r := &result{Scenario: sc.name, Seed: o.Seed, Jobs: o.Jobs, Broken: <-broken}
	s.heal()
	settle, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	r.finding = s.examine(settle, l, sc.allowed...)
	r.Seconds = time.Since(began).Seconds()
	return r, folder, nil
}

// reference paints each picture once, undisturbed: every result is held to these.
func (o *options) reference(ctx context.Context, l *load) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for i := range l.pictures {
		id, err := l.client.submit(ctx, l.pictures[i], "")
		if err != nil {
			return fmt.Errorf("the first jobs: %w", err)
		}
		for {
			j, err := l.client.job(ctx, id)
			if err != nil {
				return fmt.Errorf("the first jobs: %w", err)
			}
			if j.State.Finished() {
				if j.Result == nil {
					return fmt.Errorf("the first jobs: %s is %s: %+v", filepath.Base(string(id)), j.State, j.Error)
				}
				l.pictures[i].sha256 = j.Result.SHA256
				break
			}
			if err := pause(ctx, 50*time.Millisecond); err != nil {
				return err
			}
		}
	}
	return nil
}
