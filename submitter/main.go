// Submitter is Atelier's command line: it submits pictures to the API, waits
// for them and fetches what was painted. It speaks HTTP to the API and nothing
// else.
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
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the process at once
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, "submitter:", escapeLines(err.Error()))
	}
	os.Exit(exitCode(err))
}

// run is the program but for the process around it. Its error is a sentence for
// the user; exitCode knows what it means to a script.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) error {
	var line commandLine
	told := false // --help or --version has answered
	parser, err := kong.New(&line,
		kong.Name("submitter"), kong.Description(description), kong.Vars{"version": version(), "api": defaultAPI},
		kong.ConfigureHelp(kong.HelpOptions{NoAppDescFormat: true, Compact: true, FlagsLast: true, WrapUpperBound: 80}),
		kong.Resolvers(environment(getenv)),
		kong.Writers(stdout, stderr), kong.Exit(func(int) { told = true }))
	if err != nil {
		return err
	}
	command, err := parser.Parse(args)
	if told {
		return nil
	}
	if err != nil {
		return usageError(err)
	}
	key, err := line.credential(getenv)
	if err != nil {
		return err
	}
	client, err := newClient(line.API, key)
	if err != nil {
		return err
	}
	a := &app{
		api: client, settings: line.settings, getenv: getenv,
		stdin: stdin, stdout: stdout, screen: newScreen(stderr, getenv),
	}
	if err := a.protectKey(); err != nil {
		return err
	}
	ctx, cancel := a.within(ctx, isMany(command))
	defer cancel()
	command.BindTo(ctx, (*context.Context)(nil))
	return command.Run(a)
}

// isMany says that a command is about several jobs.
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
