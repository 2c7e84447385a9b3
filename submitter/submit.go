package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

type submitCommand struct {
	Photos    []string `arg:"" optional:"" name:"picture" help:"Pictures: files, folders, or - for one on standard input." json:"-"`
	FilesFrom string   `placeholder:"FILE" help:"More files and folders, one a line of FILE, or of standard input (-)." json:"-"`
	Null      bool     `short:"0" help:"In FILE of --files-from each name ends with a NUL, as find -print0 writes them." json:"-"`
	Recursive bool     `short:"r" help:"Look into folders of folders too." json:"-"`
	Parallel  int      `default:"4" placeholder:"4" help:"So many pictures are sent at a time, and so many fetched, 1 to 64."`

	Style      string   `short:"s" xor:"style" placeholder:"NAME" help:"A style, or a blend of several: a:0.7,b:0.3."`
	StyleImage string   `xor:"style" placeholder:"FILE" help:"A style picture of your own, instead of --style; - for standard input." json:"-"`
	Strength   *float64 `placeholder:"1" help:"0 is the photograph, 1 the style."`
	Size       *int     `placeholder:"1024" help:"Longest edge of the result in pixels at most; 0 is as it is."`
	Format     string   `placeholder:"jpeg" help:"Of the result: jpeg, png or webp. -o FILE decides it by FILE's ending otherwise."`
	Quality    *int     `placeholder:"90" help:"Of a JPEG or WebP, 1 to 100."`
	KeepColors bool     `name:"preserve-colors" help:"Keep the photograph's colours, take the style's strokes."`
	Public     bool     `xor:"public" help:"Show the result in the gallery, whatever the API's default is."`
	Private    bool     `xor:"public" help:"Don't show the result in the gallery."`

	Key string `placeholder:"KEY" help:"Sent again with the same key, it makes no second job within a day; random unless given."`

	Wait        bool `short:"w" help:"Wait for the job's end; -o does so too."`
	outputFlags `json:"-"`
}

// maxParallel bounds --parallel: more connections would be the API's to refuse.
const maxParallel = 64

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

Several pictures, a folder of them or a list are a batch, and so is one picture
whose result goes to a folder:

  submitter submit *.jpg -s watercolour -o painted/
  submitter submit holiday/ -r -s mosaic -o painted/ --parallel 8
  find . -name '*.png' -mtime -1 | submitter submit --files-from - -s mosaic
  submitter submit *.jpg -s mosaic -o painted/ --json | jq 'select(.error)'

Of a folder those files are sent that are JPEG, PNG, WebP or GIF, by their
content or their name, and not hidden. Results go to the folder that -o names, which is made,
below the same folders that they came from; two that would have one name get
numbers, and if any is there already nothing is sent unless --force is given. For
each picture a line comes when it is done, in whatever order: the job's id, and
the result's file or, without -o, the picture. With --json it is an object with
input, job, file, and error and exit_status if it failed. One that fails does not
stop the others; all that did are named at the end.

Ctrl-C while it waits loses nothing: the job goes on, and the command that picks
it up again is shown. For a batch that is submitter resume, which also goes on
where a crash has ended it, and sends again what failed by the API's fault. A
connection that breaks while the picture is sent makes no second job: it is sent
again under the same Idempotency-Key, which --key sets for scripts that start over.
The API knows a key for a day.`
}

// Validate is kong's hook for what it can't check itself.
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
	if cmd.Parallel < 1 || cmd.Parallel > maxParallel {
		return fmt.Errorf("--parallel must be from 1 to %d", maxParallel)
	}
	from := 0
	for _, name := range append([]string{cmd.StyleImage, cmd.FilesFrom}, cmd.Photos...) {
		if name == "-" {
			from++
		}
	}
	if from > 1 {
		return errors.New("only one thing can come from standard input: a picture, --style-image or --files-from")
	}
	if cmd.Null && cmd.FilesFrom == "" {
		return errors.New("--null is about --files-from")
	}
	return nil
}

// many says that it is about several pictures, or may be: where results go to a
// folder, the one picture may be all that a shell's pattern has matched.
func (cmd *submitCommand) many() bool {
	if len(cmd.Photos) != 1 || cmd.FilesFrom != "" {
		return true
	}
	if cmd.Photos[0] == "-" {
		return false
	}
	info, err := os.Stat(cmd.Photos[0])
	return err == nil && info.IsDir() || isFolder(cmd.Out)
}

// Run submits pictures and, where asked to, waits for them and fetches them.
func (cmd *submitCommand) Run(ctx context.Context, a *app) error {
	if cmd.many() {
		return cmd.runBatch(ctx, a)
	}
	photo := cmd.Photos[0]
	if cmd.Format == "" && cmd.Out != "-" {
		cmd.Format = formatOf(cmd.Out)
	}
	var to *destination
	if cmd.Out != "" {
		if cmd.Format == "" && isFolder(cmd.Out) {
			cmd.Format = "jpeg" // the file's name depends on it, and is checked beforehand
		}
		var err error
		if to, err = a.newDestination(cmd.Out, cmd.resultName(photo), cmd.Force); err != nil {
			return err
		}
	}
	j, err := cmd.send(ctx, a, photo)
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
		return a.printJSON(j.raw)
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
func (cmd *submitCommand) send(ctx context.Context, a *app, photo string) (*jobAnswer, error) {
	pictures := map[string]*picture{}
	for _, p := range [][2]string{{"image", photo}, {"style_image", cmd.StyleImage}} {
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
	key, unclear := cmp.Or(cmd.Key, rand.Text()), false
	s, err := newSubmission(a.api, cmd.fields(), pictures, key)
	if err != nil {
		return nil, err
	}
	j, err := retrying(ctx, func() (*jobAnswer, error) {
		progress, done := a.screen.uploadBar(s.form.size)
		defer done()
		j, perhaps, err := s.send(ctx, progress)
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
func (cmd *submitCommand) resultName(photo string) string {
	stem := strings.TrimSuffix(filepath.Base(photo), filepath.Ext(photo))
	if photo == "-" || stem == "" {
		stem = "atelier"
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
	end := "-" + style + extension(cmd.Format)
	return short(stem, longestName-len("-1000000")-len(end)) + end // there may have to be a number between
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
	return a.print(string(j.ID))
}

// finish waits for the job's end and fetches its result, if it is to go
// anywhere.
func (a *app) finish(ctx context.Context, j *jobAnswer, to *destination) error {
	j, err := a.wait(ctx, j)
	if err != nil {
		return err
	}
	if a.JSON {
		if err := a.printJSON(j.raw); err != nil {
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
