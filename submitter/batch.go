package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/atelier-go/atelier/submitter/batch"
	"github.com/atelier-go/atelier/submitter/picture"
	"github.com/atelier-go/atelier/submitter/terminal"
)

// submitBatch submits several pictures as a batch.
func (cmd *submitCommand) submitBatch(ctx context.Context, a *app) error {
	if cmd.Out == "-" {
		return errorf(errUsage, "-o - is for one picture: several need a folder, such as painted/")
	}
	if picture.FormatOfName(cmd.Out) != "" && !picture.IsFolder(cmd.Out) {
		return errorf(errUsage, "-o %s is one file: several pictures need a folder, such as painted/", cmd.Out)
	}
	listed, err := cmd.listed(ctx, a)
	if err != nil {
		return err
	}
	found, err := batch.Gather(ctx, append(cmd.Photos, listed...), cmd.Recursive, cmd.Out)
	if err != nil {
		return err
	}
	if found.Skipped > 0 {
		a.screen.Info("skipped %d files that are not pictures the API reads", found.Skipped)
	}
	if len(found.Inputs)+len(found.Errors) == 0 {
		hint := ""
		if !cmd.Recursive {
			hint = "; --recursive searches folders in folders too"
		}
		a.screen.Notice("no pictures found%s", hint)
		return nil
	}
	if cmd.Out != "" {
		cmd.Wait, cmd.Format = true, cmp.Or(cmd.Format, defaultFormat)
		batch.NameResults(found.Inputs, cmd.Out, cmd.Style, cmd.Format)
		if len(found.Inputs) > 0 {
			if err := batch.MakeFolders(found.Inputs, cmd.Force); err != nil {
				return hintForce(fmt.Errorf("%w; nothing was sent", err))
			}
		}
	}
	b := batch.New(batch.Options{
		API: a.API, StyleImage: batch.Path(cmd.StyleImage), Force: cmd.Force,
		Parallel: cmd.Parallel, Key: cmp.Or(cmd.Key, rand.Text()), Wait: cmd.Wait, Job: cmd.options(),
	}, found.Inputs)
	folder, err := stateFolder(a.getenv)
	if err == nil {
		err = b.CreateJournal(folder)
	}
	if err != nil {
		a.screen.Notice("this batch can't be resumed after an interruption: %v", err)
	}
	t := &tally{total: len(found.Inputs) + len(found.Errors), things: "pictures", screen: a.screen}
	for _, err := range found.Errors {
		t.add("", err)
	}
	return a.runBatch(ctx, b, t)
}

// listed returns the names in the file of --files-from.
func (cmd *submitCommand) listed(ctx context.Context, a *app) ([]string, error) {
	if cmd.FilesFrom == "" {
		return nil, nil
	}
	end, hint := byte('\n'), "put a file or folder on each line"
	if cmd.Null {
		end, hint = 0, "put a NUL at the end of each file or folder"
	}
	from, r, err := cmd.openList(a)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	list, err := readNames(ctx, from, r, end)
	if err == nil && len(list)+len(cmd.Photos) == 0 {
		err = fmt.Errorf("%s has no names, and nothing was sent: %s", from, hint)
	}
	return list, err
}

// openList opens the file of --files-from, and returns its name for messages.
func (cmd *submitCommand) openList(a *app) (string, io.ReadCloser, error) {
	if cmd.FilesFrom == picture.Stdin {
		if terminal.Is(a.stdin) {
			return "", nil, errorf(errUsage, "standard input is a terminal: pipe a list of files into it, or name a file")
		}
		return "standard input", io.NopCloser(a.stdin), nil
	}
	f, err := os.Open(cmd.FilesFrom)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%s: there is no such file with a list of pictures", cmd.FilesFrom)
	}
	return cmd.FilesFrom, f, err
}

// stateFolder returns the folder of the journals of batches: it is below the folder that XDG has
// for the state of programs.
func stateFolder(getenv func(string) string) (string, error) {
	folder := getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(folder) {
		home := getenv("HOME")
		if !filepath.IsAbs(home) {
			return "", errors.New("neither $XDG_STATE_HOME nor $HOME names a folder")
		}
		folder = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(folder, "atelier"), nil
}

// runBatch processes the pictures of a batch that are not done. t counts their outcomes.
func (a *app) runBatch(ctx context.Context, b *batch.Batch, t *tally) error {
	remove := a.screen.StagesBar(b.Stages())
	unfinished, err := b.Run(ctx, batch.Config{
		API: a.api, Stdin: a.pictureInput(), Timeout: a.Timeout, Outage: a.outage, Progress: a.progress,
		Report: func(o batch.Outcome) error {
			o.Err = hintForce(o.Err)
			if err := a.printOutcome(o); err != nil {
				return err
			}
			t.add(o.Input, o.Err)
			return nil
		},
	})
	remove()
	if jerr := b.JournalErr(); jerr != nil {
		a.screen.Notice("not all progress could be recorded, so some of the work will be repeated: %v", jerr)
	}
	switch {
	case err != nil && unfinished:
		err = fmt.Errorf("%w; %s, and accepted jobs go on", err, t)
	case err == nil:
		if err = t.err(); err == nil {
			a.screen.Info("%s", t)
		}
	}
	switch {
	case !unfinished:
		return err
	case b.Name() == "":
		return fmt.Errorf("%w\nthe same command with --key %s makes no second jobs within a day", err, shellWord(b.Options().Key))
	}
	return &resumableError{err, a.command("resume", b.Name())}
}
