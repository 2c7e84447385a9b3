// Submitter is Atelier's command line: it submits pictures to the API, waits for them and
// fetches the results. It speaks HTTP to the API and nothing else.
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

	"github.com/atelier-go/atelier/pkg/formats"
	"github.com/atelier-go/atelier/submitter/escape"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the process at once
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "submitter:", escape.Lines(err.Error()))
	}
	os.Exit(exitCode(err))
}

// run runs the program with arguments. If ctx ends, the program is interrupted. The error is a
// sentence for the user; exitCode returns its exit status.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) error {
	var line commandLine
	printed := false // --help or --version
	parser, err := kong.New(&line,
		kong.Name("submitter"), kong.Description(description), kong.Vars{"version": version(), "api": defaultAPI, "outputs": formats.NameList(formats.Outputs(), "or")},
		kong.ConfigureHelp(kong.HelpOptions{NoAppDescFormat: true, Compact: true, FlagsLast: true, WrapUpperBound: 80}),
		kong.Resolvers(environment(getenv)),
		kong.Writers(stdout, stderr), kong.Exit(func(int) { printed = true }))
	if err != nil {
		return err
	}
	command, err := parser.Parse(args)
	if printed {
		return nil
	}
	if err != nil {
		return usageError(err)
	}
	a, err := newApp(line.settings, getenv, stdin, stdout, stderr)
	if err != nil {
		return err
	}
	ctx, cancel := interruptible(ctx)
	defer cancel()
	ctx, cancel = a.withTimeout(ctx, isMany(command))
	defer cancel()
	command.BindTo(ctx, (*context.Context)(nil))
	return command.Run(a)
}

// interruptible returns a context that ends when parent does, with errInterrupted as its cause.
func interruptible(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() { cancel(errorf(errInterrupted, "interrupted")) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// isMany reports whether a command is about several jobs.
func isMany(command *kong.Context) bool {
	c, ok := command.Selected().Target.Addr().Interface().(interface{ many() bool })
	return ok && c.many()
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return "submitter " + info.Main.Version
	}
	return "submitter (devel)"
}
