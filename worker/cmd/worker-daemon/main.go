// Worker-daemon paints the jobs of a queue until it is stopped: the worker on EC2 or on your own
// machine.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/atelier-go/atelier/pkg/commandline"
	"github.com/atelier-go/atelier/pkg/logs"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/sweeper"
	"github.com/atelier-go/atelier/pkg/wiring"
	"github.com/atelier-go/atelier/pkg/wiring/withbucket"
	"github.com/atelier-go/atelier/worker"
	"github.com/atelier-go/atelier/worker/cmd/internal/painter"
)

type settings struct {
	commandline.Worker `embed:""`
	commandline.Times  `embed:""`
	Logging            commandline.Logging `embed:""`

	Bucket   string        `env:"ATELIER_BUCKET" help:"S3 bucket that has copies of the shared directory's published/ below pictures/: what the sweeper erases is erased there too." placeholder:"NAME"`
	Prefetch int           `default:"0" env:"ATELIER_PREFETCH" help:"Messages taken from the queue in addition to those being painted, so that files are read and written meanwhile; 0: as many as are painted at the same time, -1: none. Each holds a decoded picture in memory (4 MB at 1024 pixels, 67 MB at most), and may wait while another worker is idle."`
	Metrics  string        `env:"ATELIER_METRICS" help:"Loopback address and port on which to serve /metrics for Prometheus, such as 127.0.0.1:9464. Default: none." placeholder:"ADDRESS"`
	Grace    time.Duration `default:"25s" env:"ATELIER_GRACE" help:"Time for running jobs to finish after SIGTERM."`
	Notices  bool          `name:"instance-notices" env:"ATELIER_INSTANCE_NOTICES" help:"On EC2: stop as after SIGTERM when the instance metadata service announces that the instance will end (a Spot interruption, or its Auto Scaling group ends it)."`
}

// Validate is called by kong after parsing.
func (s *settings) Validate() error {
	return errors.Join(s.Worker.Validate(), sweeper.Times(s.Times).Validate())
}

const description = `Paints the jobs of an SQS queue.

The AWS SDK's own settings say where the queue is: AWS_REGION, AWS_ENDPOINT_URL,
credentials. SIGTERM or Ctrl-C once: finish the running jobs. Twice: stop at
once; the running jobs go to another worker.`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	context.AfterFunc(ctx, stop) // the second signal ends the process
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "worker-daemon:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) (err error) {
	var s settings
	command, err := commandline.Parse(&s, args, getenv, stdout, stderr,
		kong.Name("worker-daemon"), kong.Description(description), kong.Vars{"watchdog": worker.DefaultWatchdog.String()})
	if command == nil {
		return err
	}
	if s.Grace < time.Second {
		return errors.New("--grace must be at least 1s")
	}
	log := logs.New(s.Logging.Format, stderr)
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	parts, err := withbucket.Open(ctx, withbucket.Config{Bucket: s.Bucket, Config: wiring.Config{
		Store: store.Config{Dir: s.Dir, Lease: s.Lease}, Queue: s.Queue, Check: true, Log: log,
	}})
	if err != nil {
		return err
	}
	if s.Notices {
		var stop context.CancelFunc
		ctx, stop = newNotices(parts.AWS, log).until(ctx)
		defer stop()
	}
	m := newMetrics()
	if s.Metrics != "" {
		at, stop, err := m.serve(ctx, s.Metrics, func(err error) { log.Error("the metrics are no longer served", "error", err) })
		if err != nil {
			return err
		}
		defer stop()
		log.Info("metrics", "address", "http://"+at+"/metrics")
	}
	p, err := painter.Open(parts.Parts, painter.Config{Engine: painter.Engine(s.Engine), Library: s.Library(), Watchdog: s.Watchdog},
		painter.Process{Kind: "daemon", Name: fmt.Sprintf("%s/%d", host, os.Getpid()), Version: commandline.Version(), Log: log, Report: m.attempt})
	if err != nil {
		return err
	}
	defer func() {
		if !errors.Is(err, worker.ErrStuck) { // Close would wait for the stuck engine
			err = errors.Join(err, p.Close())
		}
	}()
	sweep, err := parts.Sweeper(ctx, sweeper.Times(s.Times), m.sweeps.Swept)
	if err != nil {
		return err
	}
	if err := notifyReady(getenv("NOTIFY_SOCKET")); err != nil {
		return err
	}
	defer sweep.Start(ctx)()
	return p.Worker.Poll(ctx, parts.Queue, worker.PollConfig{Prefetch: s.Prefetch, Grace: s.Grace, Visibility: s.Lease})
}
