// Api-server serves Atelier's HTTP API and page on a port of its own: on EC2 or
// on your own machine. It also makes the keys for the API.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/atelier-go/atelier/api/cmd/internal/keys"
)

// commandLine is what kong reads the arguments into.
type commandLine struct {
	Serve  serveCommand  `cmd:"" default:"withargs" help:"Serve the API and the page; what api-server does unless told otherwise."`
	Keygen keygenCommand `cmd:"" help:"Make an API key."`

	Keycheck keycheckCommand `cmd:"" help:"Say what is wrong with API keys, wherever they are."`
}

const description = `Serves Atelier's HTTP API and its page.

Where the queue is comes from the AWS SDK's own settings: AWS_REGION,
AWS_ENDPOINT_URL, credentials. Without --keys everybody who reaches the server may
do everything, and so it listens on loopback addresses alone.`

// output is where a command writes.
type output struct{ stdout, stderr io.Writer }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	context.AfterFunc(ctx, stop) // the second signal ends the process
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "api-server:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	parser, err := kong.New(new(commandLine), kong.Name("api-server"), kong.Description(description), keys.Vars)
	if err != nil {
		return err
	}
	command, err := parser.Parse(args)
	if err != nil {
		return err
	}
	command.BindTo(ctx, (*context.Context)(nil))
	return command.Run(output{stdout, stderr})
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "devel"
}
