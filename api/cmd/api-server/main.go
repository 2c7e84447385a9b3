// Api-server serves Atelier's HTTP API and page on a port of its own: on EC2 or
// on your own machine.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/sweeper"
)

type settings struct {
	Dir    string `required:"" env:"ATELIER_DIR" help:"The shared directory, where jobs are kept." placeholder:"DIR"`
	Queue  string `default:"atelier" env:"ATELIER_QUEUE" help:"Name or URL of the SQS queue."`
	Listen string `default:"127.0.0.1:8080" env:"ATELIER_LISTEN" help:"Loopback address and port to listen on."`

	sweeper.Times `embed:""`
}

const description = `Serves Atelier's HTTP API and its page.

Where the queue is comes from the AWS SDK's own settings: AWS_REGION,
AWS_ENDPOINT_URL, credentials. Without API keys, which this version does not
have yet, it listens on loopback addresses alone.`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	context.AfterFunc(ctx, stop) // the second signal ends the process
	if err := run(ctx, os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "api-server:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stderr io.Writer) error {
	var s settings
	parser, err := kong.New(&s, kong.Name("api-server"), kong.Description(description))
	if err != nil {
		return err
	}
	if _, err := parser.Parse(args); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))

	jobs, err := store.Open(store.Config{Dir: s.Dir})
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
	handler, err := api.New(api.Config{Store: jobs, Queue: q, Version: version(), Log: log})
	if err != nil {
		return err
	}
	listener, err := listen(s.Listen)
	if err != nil {
		return err
	}
	sweep, err := newSweeper(ctx, s.Times, jobs, q, log)
	if err != nil {
		return err
	}
	defer sweep.Start(ctx)()
	log.Info("ready", "address", "http://"+listener.Addr().String(), "dir", jobs.Dir(), "queue", q.URL())
	return serve(ctx, listener, handler, handler.EndWaits)
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "devel"
}
