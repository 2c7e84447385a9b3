// Package commandline parses the command lines of the programs, with environment variables as the
// fallback of flags, and declares the groups of flags that several programs have. Only mains import
// it: they convert the groups to the configurations of the packages that do the work, whose fields
// are the same, but without tags.
package commandline

import (
	"fmt"
	"io"
	"reflect"
	"runtime/debug"

	"github.com/alecthomas/kong"
)

// Parse parses args into the fields of grammar, a pointer to a struct with kong's tags. The name and the
// description of the program are among the options.
//
// The variables in env tags are read with getenv, and never from the process; an empty variable is
// like one that is not set. Parse returns nil without an error after it has printed the help to
// stdout, and the program should then end.
func Parse(grammar any, args []string, getenv func(string) string, stdout, stderr io.Writer, options ...kong.Option) (*kong.Context, error) {
	printed := false
	parser, err := kong.New(grammar, append(options,
		kong.Writers(stdout, stderr), kong.Exit(func(int) { printed = true }),
		kong.Resolvers(variables(getenv)), kong.ValueFormatter(helpOf))...)
	if err != nil {
		return nil, err
	}
	err = kong.Visit(parser.Model, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			flag.Tag.Envs = nil // kong reads these from the process; flag.Envs has them too
		}
		return next(nil)
	})
	if err != nil {
		return nil, err
	}
	command, err := parser.Parse(args)
	if printed {
		return nil, nil
	}
	return command, err
}

// variables returns the values of flags that are not given on the command line.
func variables(getenv func(string) string) kong.Resolver {
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		for _, name := range flag.Envs {
			value := getenv(name)
			if value == "" {
				continue
			}
			// Decoded here too, because kong's error would not name the variable.
			decode := &kong.DecodeContext{Value: flag.Value, Scan: kong.Scan().PushTyped(value, kong.FlagValueToken)}
			if err := flag.Mapper.Decode(decode, reflect.New(flag.Target.Type()).Elem()); err != nil {
				return nil, fmt.Errorf("%w (from envar %s=%q)", err, name, value)
			}
			return value, nil
		}
		return nil, nil
	})
}

// helpOf returns the help of a flag or an argument as kong writes it, with the variables of a flag.
func helpOf(value *kong.Value) string {
	if value.Flag != nil {
		shown, tag := *value, *value.Tag
		tag.Envs, shown.Tag = value.Flag.Envs, &tag
		value = &shown
	}
	return kong.DefaultHelpValueFormatter(value)
}

// Version returns the version of the program's module, or devel.
func Version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "devel"
}
