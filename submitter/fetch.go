package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"mime"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/atelier-go/atelier/pkg/job"
)

// outputFlags say where a result goes.
type outputFlags struct {
	Out   string `short:"o" placeholder:"FILE" help:"Write the picture to FILE, into the folder DIR/, which is made, or to standard output (-)."`
	Force bool   `short:"f" help:"Replace FILE if it exists."`
}

type fetchCommand struct {
	idArguments
	Wait bool `short:"w" help:"Wait for the job's end first."`
	outputFlags
}

// Help is kong's hook for a command's page.
func (fetchCommand) Help() string {
	return `Writes the painted picture to a file, whole or not at all, and prints the file's
name. Without -o it is called after the job and goes to the current folder, or,
with a folder as -o, there. The picture is checked against the job's length and
SHA-256. A file that holds it already is left as it is, so that the same command
can be run again.

  submitter fetch 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f
  submitter fetch 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f --wait -o painted.jpg
  submitter fetch 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f -o - | display
  submitter list --state succeeded --all | submitter fetch - -o painted/`
}

// Run fetches results.
func (cmd *fetchCommand) Run(ctx context.Context, a *app) error {
	ids, err := a.ids(ctx, cmd.IDs)
	if err != nil {
		return err
	}
	if cmd.many() && cmd.Out == "-" {
		return faultf(errUsage, "-o - is for one picture: several need a folder, such as painted/")
	}
	if cmd.many() && cmd.Out != "" {
		cmd.Out += string(filepath.Separator) // what else could it be
	}
	return a.each(ids, func(id job.ID) error { return cmd.fetch(ctx, a, id) })
}

func (cmd *fetchCommand) fetch(ctx context.Context, a *app, id job.ID) error {
	j, err := a.read(ctx, id)
	if err != nil {
		return err
	}
	name, err := a.api.resultOf(&j.Job)
	if err != nil {
		return err
	}
	to, err := a.newDestination(cmp.Or(cmd.Out, "."), name, cmd.Force)
	if errors.Is(err, fs.ErrExist) && to.holds(j.Result) {
		return cmd.report(a, j, to)
	}
	if err != nil {
		return err
	}
	if cmd.Wait {
		if j, err = a.wait(ctx, j); err != nil {
			return a.resumable(err, id, cmd.outputFlags)
		}
	}
	if err := a.deliver(ctx, j, to); err != nil {
		return err
	}
	return cmd.report(a, j, to)
}

func (cmd *fetchCommand) report(a *app, j *jobAnswer, to *destination) error {
	switch {
	case a.JSON:
		return a.printJSON(j.raw)
	case to.path != "":
		return a.write([]byte(to.path)) // as it was given, for scripts
	}
	return nil
}

// deliver puts the result of a finished job where it belongs, and says so.
func (a *app) deliver(ctx context.Context, j *jobAnswer, to *destination) error {
	err := a.save(ctx, j, to)
	if err == nil && to.path != "" {
		if named := mime.TypeByExtension(filepath.Ext(to.path)); strings.HasPrefix(named, "image/") && named != j.Result.ContentType {
			a.screen.note("%s holds %s, whatever its name says", to.path, j.Result.ContentType)
		}
		a.screen.remark("%s: %d x %d pixels, %d bytes", to.path, j.Result.Width, j.Result.Height, j.Result.Bytes)
	}
	return err
}

// save puts the result of a finished job where it belongs.
func (a *app) save(ctx context.Context, j *jobAnswer, to *destination) error {
	if err := ended(&j.Job); err != nil {
		return err
	}
	if err := a.api.checkResult(&j.Job); err != nil {
		return err
	}
	return to.put(a.stdout, func(f *os.File) error {
		_, err := retrying(ctx, func() (struct{}, error) {
			return struct{}{}, a.api.download(ctx, j.Result, f)
		}, transient, nil)
		if err != nil {
			return err
		}
		return a.api.checkPicture(&j.Job, f)
	})
}

// maxResult bounds the bytes of a result, far above the largest: a PNG of 4096 x 4096
// pixels, all of them noise, has 50 MB.
const maxResult = 256 << 20

// checkResult says whether the result that a job names can be one.
func (c *client) checkResult(j *job.Job) error {
	if _, err := c.resultOf(j); err != nil {
		return err
	}
	if n := j.Result.Bytes; n <= 0 || n > maxResult {
		return c.damaged("the result of job %s is said to have %d bytes, and 1 to %d can be", j.ID, n, maxResult)
	}
	if sum, err := hex.DecodeString(j.Result.SHA256); err != nil || len(sum) != sha256.Size {
		return c.damaged("the result of job %s has no SHA-256", j.ID)
	}
	return nil
}

// download fills f with the result, whatever was in it before, and holds it
// against what the job says of it, which checkResult has passed.
func (c *client) download(ctx context.Context, r *job.Result, f *os.File) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	resp, err := c.get(ctx, r.URL, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close() // not drained: a body that is too long is not worth it
	hash := sha256.New()
	body := &failingReader{r: io.LimitReader(resp.Body, r.Bytes+1)}
	n, err := io.Copy(io.MultiWriter(f, hash), body)
	switch {
	case body.err != nil:
		return c.networkError(ctx, body.err)
	case err != nil:
		return err
	case n != r.Bytes:
		return faultf(errAway, "the API answered a picture of another length than the job's %d bytes; nothing was written%w", r.Bytes, silent{errDamaged})
	case hex.EncodeToString(hash.Sum(nil)) != r.SHA256:
		return faultf(errAway, "the API answered another picture than the job's: its SHA-256 differs; nothing was written%w", silent{errDamaged})
	}
	return nil
}

// checkPicture says whether what was downloaded is a picture of the job's format.
func (c *client) checkPicture(j *job.Job, f *os.File) error {
	head := make([]byte, sniffed)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if pictureFormat(head[:n]) != j.Format {
		return c.damaged("the result of job %s is no picture of the format %s; nothing was written", j.ID, j.Format)
	}
	return nil
}

// A failingReader remembers its error, which tells a broken connection from a
// full disk.
type failingReader struct {
	r   io.Reader
	err error
}

func (f *failingReader) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}

// resumable adds to what went wrong after a job was accepted how to go on.
// There is nothing to go on with after a failed job or one that is gone.
func (a *app) resumable(err error, id job.ID, out outputFlags) error {
	if errors.Is(err, errFailed) || errors.Is(err, errNotFound) {
		return err
	}
	words := []string{"fetch", string(id), "--wait"}
	if out.Out != "" {
		words = append(words, "-o", shellWord(out.Out))
	}
	if out.Force {
		words = append(words, "--force")
	}
	return &resumableError{err, a.command(words...)}
}

// command is a command line for the user to type.
func (a *app) command(words ...string) string {
	words = append([]string{"submitter"}, words...)
	if env := a.getenv("ATELIER_API"); a.API != env && (a.API != defaultAPI || env != "") {
		words = append(words, "--api", shellWord(a.API))
	}
	if a.KeyFile != "" {
		words = append(words, "--key-file", shellWord(a.KeyFile))
	}
	if a.PlaintextKey && a.getenv(plaintextVariable) == "" {
		words = append(words, "--allow-plaintext-key")
	}
	return strings.Join(words, " ")
}

// A resumableError is an error after which a command picks the work up again.
type resumableError struct {
	err     error
	command string
}

func (e *resumableError) Error() string {
	return e.err.Error() + "\npicked up again with: " + e.command
}
func (e *resumableError) Unwrap() error { return e.err }

// shellWord quotes s where a shell would take it apart.
func shellWord(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@%+,=") == "" {
		return s
	}
	if strings.ContainsFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return "$" + "'" + strings.ReplaceAll(strings.Trim(strconv.QuoteToASCII(s), `"`), "'", `\'`) + "'"
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
