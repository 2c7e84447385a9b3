// Command readaheadlist writes the list of the parts of an engine's library that a worker reads when it starts,
// which worker-bootstrap reads ahead. It loads the model, paints a picture, and then looks up which
// pages of the library its own process has mapped. scripts/setup runs it.
package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"

	"github.com/alecthomas/kong"

	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/pkg/commandline"
	"github.com/atelier-go/atelier/pkg/readahead"
	"github.com/atelier-go/atelier/pkg/style"
)

type options struct {
	Model   string `required:"" help:"Folder of the model." placeholder:"DIR"`
	Library string `required:"" help:"Folder of the engine's library, in which read-ahead.json is written." placeholder:"DIR"`
}

func main() {
	if err := run(context.Background(), os.Args[1:], os.Getenv, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "readaheadlist:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	var o options
	command, err := commandline.Parse(&o, args, getenv, stdout, stderr, kong.Name("readaheadlist"))
	if command == nil {
		return err
	}
	m, err := loadModel(model.Config{Dir: o.Model, Concurrent: 1})
	if err != nil {
		return err
	}
	// Larger pictures read no other parts.
	small := style.Request{Content: image.NewRGBA(image.Rect(0, 0, 256, 256)), Mix: style.Mix{{Name: style.Names()[0], Weight: 1}}, Strength: 1}
	if _, err := m.Stylize(ctx, small); err != nil {
		return err
	}
	list, err := readahead.ListTouched(o.Library)
	if err != nil {
		return err
	}
	if len(list.Files) == 0 {
		return errors.New("this program has not loaded any file from " + o.Library)
	}
	return list.Save(filepath.Join(o.Library, "read-ahead.json"))
}
