// Api-server serves Atelier's HTTP API and page on a port, on EC2 or on a local machine. It also makes
// and checks API keys.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/atelier-go/atelier/api/cmd/internal/keys"
	"github.com/atelier-go/atelier/pkg/commandline"
)

// commands is the command line, as kong parses it.
type commands struct {
	Serve  serveCommand  `cmd:"" default:"withargs" help:"Serve the API and the page (the default command)."`
	Keygen keygenCommand `cmd:"" help:"Make an API key."`

	Keycheck keycheckCommand `cmd:"" help:"Check a list of API keys."`
}

const description = `Serves Atelier's HTTP API and its page.

The AWS SDK's own settings select the account and region of the queue: AWS_REGION,
AWS_ENDPOINT_URL, credentials. Without --keys every client may do everything, so the
server listens on loopback addresses only.`

// A process is what a command has of its process: the environment, standard output and standard error.
type process struct {
	getenv         func(string) string
	stdout, stderr io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	context.AfterFunc(ctx, stop) // the second signal ends the process
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "api-server:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	command, err := commandline.Parse(new(commands), args, getenv, stdout, stderr,
		kong.Name("api-server"), kong.Description(description), kong.Vars{"keys": keys.Places})
	if command == nil {
		return err
	}
	command.BindTo(ctx, (*context.Context)(nil))
	return command.Run(process{getenv, stdout, stderr})
}
