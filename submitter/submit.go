package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

type submitCommand struct {
	Photo string `arg:"" help:"The picture: a file, or - for standard input."`

	Style      string   `short:"s" xor:"style" placeholder:"NAME" help:"A style, or a blend of several: a:0.7,b:0.3."`
	StyleImage string   `xor:"style" placeholder:"FILE" help:"A style picture of your own, instead of --style; - for standard input."`
	Strength   *float64 `placeholder:"1" help:"0 is the photograph, 1 the style."`
	Size       *int     `placeholder:"1024" help:"Longest edge of the result in pixels at most; 0 is as it is."`
	Format     string   `placeholder:"jpeg" help:"Of the result: jpeg, png or webp. -o FILE decides it by FILE's ending otherwise."`
	Quality    *int     `placeholder:"90" help:"Of a JPEG or WebP, 1 to 100."`
	KeepColors bool     `name:"preserve-colors" help:"Keep the photograph's colours, take the style's strokes."`
	Public     bool     `xor:"public" help:"Show the result in the gallery, whatever the API's default is."`
	Private    bool     `xor:"public" help:"Don't show the result in the gallery."`

	Key string `placeholder:"KEY" help:"Sent again with the same key, it makes no second job within a day; random unless given."`

	Wait bool `short:"w" help:"Wait for the job's end; -o does so too."`
	outputFlags
}

// Help is kong's hook for a command's page.
func (submitCommand) Help() string {
	return `Sends the picture and prints the job's id on standard output. With -o it waits
and writes the painted picture, whole or not at all. With -o - standard output
is the picture, and the id goes to standard error.

  submitter submit cat.jpg --style watercolour
  submitter submit cat.jpg --style watercolour -o painted.jpg
  submitter submit cat.jpg -s mosaic:0.7,watercolour:0.3 --size 2048 -o out/
  submitter submit cat.jpg --style-image tiles.png --preserve-colors --wait
  curl -s https://example.org/cat.jpg | submitter submit - -s watercolour -o cat.png

Ctrl-C while it waits loses nothing: the job goes on, and the command that picks
it up again is shown. A connection that breaks while the picture is sent makes no
second job: it is sent again under the same Idempotency-Key, which --key sets for
scripts that start over.`
}

// Validate is kong's hook for what it can't check itself.
func (cmd *submitCommand) Validate() error {
	if cmd.Style == "" && cmd.StyleImage == "" {
		return errors.New("--style NAME or --style-image FILE is needed: submitter styles lists the names")
	}
	if strings.TrimFunc(cmd.Key, visible) != "" || len(cmd.Key) > 255 {
		return errors.New("--key must have 1 to 255 visible ASCII characters, without spaces")
	}
	if cmd.Photo == "-" && cmd.StyleImage == "-" {
		return errors.New("only one of <photo> and --style-image can be standard input")
	}
	return nil
}

// Run submits one picture and, where asked to, waits for it and fetches it.
func (cmd *submitCommand) Run(ctx context.Context, a *app) error {
	if cmd.Format == "" && cmd.Out != "-" {
		cmd.Format = formatOf(cmd.Out)
	}
	var to *destination
	if cmd.Out != "" {
		if cmd.Format == "" && isFolder(cmd.Out) {
			cmd.Format = "jpeg" // the file's name depends on it, and is checked beforehand
		}
		var err error
		if to, err = a.newDestination(cmd.Out, cmd.resultName(), cmd.Force); err != nil {
			return err
		}
	}
	j, err := cmd.send(ctx, a)
	if err != nil {
		return err
	}
	return a.goOn(ctx, j, to, cmd.Wait, cmd.outputFlags)
}

// goOn prints the id of a job that the API has accepted and, where asked to,
// waits for the job and fetches it.
func (a *app) goOn(ctx context.Context, j *jobAnswer, to *destination, wait bool, out outputFlags) error {
	err := a.announce(j, to)
	switch {
	case err != nil:
	case to != nil || wait:
		err = a.finish(ctx, j, to)
	case a.JSON:
		return a.print(j.raw)
	default:
		a.screen.remark("fetch it with: submitter fetch %s --wait", j.ID)
	}
	if err != nil {
		return a.resumable(err, j.ID, out)
	}
	return nil
}

// visible says of a character whether it may be in a key.
func visible(r rune) bool { return r > ' ' && r <= '~' }

// send submits the picture, again where that may help: under one key it makes
// one job.
func (cmd *submitCommand) send(ctx context.Context, a *app) (*jobAnswer, error) {
	pictures := map[string]*picture{}
	for _, p := range [][2]string{{"image", cmd.Photo}, {"style_image", cmd.StyleImage}} {
		if p[1] == "" {
			continue
		}
		pic, err := openPicture(ctx, p[1], a.stdin)
		if err != nil {
			return nil, err
		}
		defer pic.file.Close()
		pictures[p[0]] = pic
	}
	f, err := newForm(cmd.fields(), pictures)
	if err != nil {
		return nil, err
	}
	key, unclear := cmp.Or(cmd.Key, rand.Text()), false
	j, err := retrying(ctx, func() (*jobAnswer, error) {
		progress, done := a.screen.uploadBar(f.size)
		defer done()
		j, perhaps, err := a.api.submit(ctx, f, key, progress)
		unclear = unclear || perhaps
		return j, err
	}, passing, a.tryingAgain)
	switch {
	case err == nil || !errors.Is(err, errAway) && !errors.Is(err, errInterrupted):
		return j, err
	case !unclear && refused(err):
		return nil, err // it says so itself
	case unclear:
		return nil, fmt.Errorf("%w; whether it became a job is unknown: the same command with --key %s makes no second one", err, shellWord(key))
	}
	return nil, fmt.Errorf("%w; nothing was submitted", err)
}

// tryingAgain tells of a failure that is not the last word.
func (a *app) tryingAgain(err error, delay time.Duration) {
	a.screen.note("%v; trying again in %v", err, delay.Round(100*time.Millisecond))
}

// fields are the settings that were given; the API knows the others' defaults.
func (cmd *submitCommand) fields() [][2]string {
	var fields [][2]string
	add := func(name, value string) { fields = append(fields, [2]string{name, value}) }
	if cmd.Style != "" {
		add("style", cmd.Style)
	}
	if cmd.Strength != nil {
		add("strength", strconv.FormatFloat(*cmd.Strength, 'g', -1, 64))
	}
	if cmd.Size != nil {
		add("size", strconv.Itoa(*cmd.Size))
	}
	if cmd.Format != "" {
		add("format", cmd.Format)
	}
	if cmd.Quality != nil {
		add("quality", strconv.Itoa(*cmd.Quality))
	}
	if cmd.KeepColors {
		add("preserve_colors", "true")
	}
	if cmd.Public || cmd.Private {
		add("public", strconv.FormatBool(cmd.Public))
	}
	return fields
}

// resultName is what the result is called in a folder: after the photograph and
// the styles.
func (cmd *submitCommand) resultName() string {
	photo := strings.TrimSuffix(filepath.Base(cmd.Photo), filepath.Ext(cmd.Photo))
	if cmd.Photo == "-" || photo == "" {
		photo = "atelier"
	}
	style := "own-style"
	if cmd.Style != "" {
		var names []string
		for part := range strings.SplitSeq(cmd.Style, ",") {
			name, _, _ := strings.Cut(strings.TrimSpace(part), ":")
			names = append(names, fileName(name))
		}
		style = strings.Join(names, "+")
	}
	return photo + "-" + style + extension(cmd.Format)
}

// announce prints the id as soon as there is one, so that it isn't lost with
// whatever comes later.
func (a *app) announce(j *jobAnswer, to *destination) error {
	switch {
	case to != nil && to.path == "":
		a.screen.note("%s", j.ID)
		return nil
	case a.JSON:
		return nil // printed once, when there is most to tell
	}
	return a.print([]byte(j.ID))
}

// finish waits for the job's end and fetches its result, if it is to go
// anywhere.
func (a *app) finish(ctx context.Context, j *jobAnswer, to *destination) error {
	j, err := a.wait(ctx, j)
	if err != nil {
		return err
	}
	if a.JSON {
		if err := a.print(j.raw); err != nil {
			return err
		}
	}
	if to == nil {
		if err := ended(&j.Job); err != nil {
			return err
		}
		a.screen.remark("%s; fetch it with: submitter fetch %s", job.Succeeded, j.ID)
		return nil
	}
	return a.deliver(ctx, j, to)
}
