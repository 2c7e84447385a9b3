package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/atelier-go/atelier/pkg/formats"
	"github.com/atelier-go/atelier/submitter/batch"
	"github.com/atelier-go/atelier/submitter/picture"
)

type submitCommand struct {
	Photos    []string `arg:"" optional:"" name:"picture" help:"Pictures: files, folders, or - for one on standard input."`
	FilesFrom string   `placeholder:"FILE" help:"Read more files and folders from FILE, one a line, or from standard input (-)."`
	Null      bool     `short:"0" help:"The names in FILE of --files-from end with a NUL, as find -print0 writes them."`
	Recursive bool     `short:"r" help:"Search folders in folders too."`
	Parallel  int      `default:"4" placeholder:"4" help:"Send this many pictures at a time, and fetch this many, 1 to 64."`

	Style          string   `short:"s" xor:"style" placeholder:"NAME" help:"A style, or a blend of several: a:0.7,b:0.3."`
	StyleImage     string   `xor:"style" placeholder:"FILE" help:"A style picture of your own, instead of --style; - for standard input."`
	Strength       *float64 `placeholder:"1" help:"0 is the photograph, 1 the style."`
	Size           *int     `placeholder:"1024" help:"Longest edge of the result in pixels at most; 0 keeps the photograph's."`
	Format         string   `placeholder:"jpeg" help:"Format of the result: ${outputs}. By default, the ending of -o FILE decides."`
	Quality        *int     `placeholder:"90" help:"Quality of a JPEG or WebP, 1 to 100."`
	PreserveColors bool     `name:"preserve-colors" help:"Keep the photograph's colours, and take only the strokes of the style."`
	Public         bool     `xor:"public" help:"Show the result in the gallery, whatever the API's default is."`
	Private        bool     `xor:"public" help:"Don't show the result in the gallery."`

	Key string `placeholder:"KEY" help:"Idempotency key: within a day, the same command with the same key makes no second job. Random by default."`

	Wait bool `short:"w" help:"Wait for the job's end; implied by -o."`
	outputFlags
}

// Help returns the text of the command's help page; kong calls it.
func (submitCommand) Help() string {
	return `Sends the picture and prints the job's id on standard output. With -o it waits and
writes the painted picture, whole or not at all. With -o - the picture goes to
standard output, and the id to standard error.

  submitter submit cat.jpg --style watercolour
  submitter submit cat.jpg --style watercolour -o painted.jpg
  submitter submit cat.jpg -s mosaic:0.7,watercolour:0.3 --size 2048 -o out/
  submitter submit cat.jpg --style-image tiles.png --preserve-colors --wait
  curl -s https://example.org/cat.jpg | submitter submit - -s watercolour -o cat.png

Several pictures are a batch, and so are a folder, a list, and one picture whose result
goes to a folder:

  submitter submit *.jpg -s watercolour -o painted/
  submitter submit holiday/ -r -s mosaic -o painted/ --parallel 8
  find . -name '*.png' -mtime -1 | submitter submit --files-from - -s mosaic
  submitter submit *.jpg -s mosaic -o painted/ --json | jq 'select(.error)'

A folder stands for all visible files in it that are ` + formats.Titles(formats.All(), "or") + ` by
content or by name. Results go to the folder that -o names, in the same subfolders; it is
created if needed. If two results would have the same name, numbers are added. If a
result exists already, nothing is sent, unless --force is given. For each picture that is
done it prints a line, in any order: the job's id, and the file of the result or, without
-o, the picture. With --json the line is an object with input, job and file, and with
error and exit_status if the picture failed. A failure does not stop the others. All
failures are listed at the end.

Ctrl-C while it waits loses nothing: the job goes on, and the command that continues is
shown. For a batch that is submitter resume, which also continues after a crash, and
tries again what failed because of the API. If the connection breaks while a picture is
sent, it is sent again with the same Idempotency-Key, so that no second job is made. A
script that starts again from the beginning can set this key with --key. The API
remembers a key for a day.`
}

// Validate checks the flags for errors that kong does not find. kong calls it.
func (cmd *submitCommand) Validate() error {
	if len(cmd.Photos) == 0 && cmd.FilesFrom == "" {
		return errors.New("a picture is needed: a file, a folder, - for standard input, or --files-from FILE")
	}
	if cmd.Style == "" && cmd.StyleImage == "" {
		return errors.New("--style NAME or --style-image FILE is needed: submitter styles lists the names")
	}
	if strings.TrimFunc(cmd.Key, visible) != "" || len(cmd.Key) > 255 {
		return errors.New("--key must have 1 to 255 visible ASCII characters, without spaces")
	}
	if cmd.Parallel < 1 || cmd.Parallel > batch.MaxParallel {
		return fmt.Errorf("--parallel must be from 1 to %d", batch.MaxParallel)
	}
	fromStdin := 0
	for _, name := range append([]string{cmd.StyleImage, cmd.FilesFrom}, cmd.Photos...) {
		if name == picture.Stdin {
			fromStdin++
		}
	}
	if fromStdin > 1 {
		return errors.New("only one thing can come from standard input: a picture, --style-image or --files-from")
	}
	if cmd.Null && cmd.FilesFrom == "" {
		return errors.New("--null needs --files-from")
	}
	return nil
}
