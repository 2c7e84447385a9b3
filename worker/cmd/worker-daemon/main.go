// Worker-daemon takes jobs from the queue and paints them, until it is told to
// stop: the worker on EC2 or on your own machine.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/worker"
)

type settings struct {
	Dir        string        `required:"" env:"ATELIER_DIR" help:"The shared directory, where jobs are kept." placeholder:"DIR"`
	Queue      string        `default:"atelier" env:"ATELIER_QUEUE" help:"Name or URL of the SQS queue."`
	Model      string        `required:"" env:"ATELIER_MODEL" help:"Folder of the SavedModel." placeholder:"DIR"`
	Concurrent int           `default:"0" env:"ATELIER_CONCURRENT" help:"Pictures painted at once; 0 chooses by the cores."`
	Threads    int           `default:"0" env:"ATELIER_THREADS" help:"Threads for each picture; 0 chooses by the cores."`
	Prefetch   int           `default:"0" env:"ATELIER_PREFETCH" help:"Messages taken from the queue beyond those being painted, so that files are read and written meanwhile; 0: as many as are painted at once, -1: none. Each holds a decoded picture in memory (4 MB at 1024 pixels, 67 MB at the most), and may wait here while another worker is idle."`
	Lease      time.Duration `default:"30s" env:"ATELIER_LEASE" help:"Time after which a silent worker's job goes to another."`
	Grace      time.Duration `default:"25s" env:"ATELIER_GRACE" help:"Time for running jobs to finish after SIGTERM."`
	Watchdog   time.Duration `default:"5m" env:"ATELIER_WATCHDOG" help:"Time after which a picture that is still being painted counts as hung: the process then ends with an error, for its supervisor to start a fresh one."`
}

const description = `Takes jobs from an SQS queue and paints them.

Where the queue is comes from the AWS SDK's own settings: AWS_REGION,
AWS_ENDPOINT_URL, credentials. SIGTERM or Ctrl-C once: finish what is running.
Twice: stop at once; what was running goes to another worker.`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	context.AfterFunc(ctx, stop) // the second signal ends the process
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "worker-daemon:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, stderr io.Writer) (err error) {
	var s settings
	parser, err := kong.New(&s, kong.Name("worker-daemon"), kong.Description(description))
	if err != nil {
		return err
	}
	if _, err := parser.Parse(args); err != nil {
		return err
	}
	if s.Lease < time.Second || s.Lease > 12*time.Hour || s.Grace < time.Second || s.Watchdog < time.Second {
		return errors.New("--lease must be from 1s to 12h, which is SQS's limit, --grace and --watchdog from 1s")
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))

	engine, err := model.Load(model.Config{Dir: s.Model, Threads: s.Threads, Concurrent: s.Concurrent, Log: log})
	if err != nil {
		return err
	}
	defer func() {
		if !errors.Is(err, worker.ErrStuck) { // Close would wait for what is stuck
			err = errors.Join(err, engine.Close())
		}
	}()
	jobs, err := store.Open(store.Config{Dir: s.Dir, Lease: s.Lease})
	if err != nil {
		return err
	}
	aws, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	q, err := queue.Open(ctx, aws, s.Queue)
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	info := engine.Info()
	w, err := worker.New(worker.Config{
		Store: jobs, Stylizer: engine, Kind: "daemon", Name: fmt.Sprintf("%s/%d", host, os.Getpid()),
		Engine: info.Engine, Model: info.Name, Concurrent: info.Concurrent, Watchdog: s.Watchdog, Log: log,
	})
	if err != nil {
		return err
	}
	if err := notifyReady(getenv("NOTIFY_SOCKET")); err != nil {
		return err
	}
	log.Info("ready", "model", info.Name, "engine", info.Engine, "dir", jobs.Dir(), "queue", q.URL())
	err = w.Poll(ctx, q, worker.PollConfig{Prefetch: s.Prefetch, Grace: s.Grace, Visibility: s.Lease})
	return err
}
