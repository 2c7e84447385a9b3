package commandline_test

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/atelier-go/atelier/pkg/commandline"
)

type grammar struct {
	Dir   string        `required:"" env:"TEST_DIR" help:"The folder." placeholder:"DIR"`
	Every time.Duration `default:"1m" env:"TEST_EVERY,TEST_OTHER" help:"The interval."`
	Kind  string        `default:"a" enum:"a,b" env:"TEST_KIND"`
	On    bool          `env:"TEST_ON"`
	List  []string      `env:"TEST_LIST" help:"Words"`
	More  struct{}      `cmd:"" default:"1" hidden:""`
}

func parse(t *testing.T, variables map[string]string, args ...string) (g grammar, printed string, err error) {
	t.Helper()
	var stdout bytes.Buffer
	command, err := commandline.Parse(&g, args, func(name string) string { return variables[name] }, &stdout, io.Discard, kong.Name("test"))
	if (command == nil) != (err != nil || stdout.Len() > 0) {
		t.Errorf("got the command %v with %v and the output %q", command, err, &stdout)
	}
	return g, stdout.String(), err
}

// TestVariables: a flag is preferred to a variable, and that to the default.
func TestVariables(t *testing.T) {
	variables := map[string]string{"TEST_DIR": "by variable", "TEST_OTHER": "2m", "TEST_ON": "true", "TEST_LIST": "x,y", "TEST_KIND": ""}
	g, _, err := parse(t, variables)
	if err != nil || g.Dir != "by variable" || g.Every != 2*time.Minute || g.Kind != "a" || !g.On || len(g.List) != 2 {
		t.Errorf("got %+v, %v", g, err)
	}
	variables["TEST_EVERY"], variables["TEST_KIND"] = "3m", "b"
	if g, _, err = parse(t, variables, "--dir", "by flag", "--no-such"); err == nil {
		t.Errorf("an unknown flag: got %+v", g)
	}
	if g, _, err = parse(t, variables, "--dir", "by flag"); err != nil || g.Dir != "by flag" || g.Every != 3*time.Minute || g.Kind != "b" {
		t.Errorf("got %+v, %v", g, err)
	}
}

func TestInvalidVariables(t *testing.T) {
	for name, c := range map[string]struct{ value, want string }{
		"TEST_DIR":   {"", "missing flags: --dir=DIR"},
		"TEST_EVERY": {"soon", `--every: expected duration but got "soon": time: invalid duration "soon" (from envar TEST_EVERY="soon")`},
		"TEST_KIND":  {"c", `--kind must be one of "a","b" but got "c"`},
		"TEST_ON":    {"maybe", `(from envar TEST_ON="maybe")`},
	} {
		variables := map[string]string{"TEST_DIR": "d"}
		variables[name] = c.value
		if _, _, err := parse(t, variables); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s=%s: got %v, want %q", name, c.value, err, c.want)
		}
	}
}

// TestProcessIsNotRead: a variable of the process has no effect.
func TestProcessIsNotRead(t *testing.T) {
	for name, value := range map[string]string{"TEST_DIR": "d", "TEST_EVERY": "soon", "TEST_KIND": "b", "TEST_ON": "true"} {
		t.Setenv(name, value)
	}
	if _, _, err := parse(t, nil); err == nil || !strings.Contains(err.Error(), "missing flags: --dir=DIR") {
		t.Errorf("got %v, want an error of the missing flag", err)
	}
	if g, _, err := parse(t, nil, "--dir", "x"); err != nil || g.Every != time.Minute || g.Kind != "a" || g.On {
		t.Errorf("got %+v, %v", g, err)
	}
}

// TestHelp: it names the variables, and the program goes on to its end.
func TestHelp(t *testing.T) {
	_, printed, err := parse(t, map[string]string{"TEST_EVERY": "soon"}, "--help")
	if err != nil {
		t.Error(err)
	}
	for _, want := range []string{"--dir=DIR ", "The folder ($TEST_DIR).", "The interval ($TEST_EVERY, $TEST_OTHER).", "Words ($TEST_LIST)"} {
		if !strings.Contains(printed, want) {
			t.Errorf("%q is missing in\n%s", want, printed)
		}
	}
}
