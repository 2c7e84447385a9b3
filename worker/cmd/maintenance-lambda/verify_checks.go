package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// pairChecks are the checks that need two executions. One of them leads: it changes files, and the
// other reads them.
var pairChecks = []struct {
	name string
	run  func(ctx context.Context, p *peer, at string, leads bool) error
}{
	{"of two links to one name by two clients one succeeds", raceLinks},
	{"a touch by one client is seen by the other", touchForOther},
	{"a file that the other client replaced is read again", replaceForOther},
	{"a name that did not exist is found once the other created it", makeForOther},
	{"a folder that the other client renamed takes no new files", renameForOther},
}

// races is the number of names for which the two executions compete.
const races = 50

// raceLinks makes both executions link to the same names at the same time, as processes do in the
// store for events, and checks that each name has one winner. The two go through the names in
// opposite directions, so that they meet even if one of them is ahead.
func raceLinks(ctx context.Context, p *peer, at string, leads bool) error {
	token := filepath.Join(at, p.role)
	if err := errors.Join(os.WriteFile(token, []byte(p.role), 0o640), p.meet(ctx)); err != nil {
		return err
	}
	won := make([]byte, races)
	for i := range won {
		if !leads {
			i = races - 1 - i
		}
		switch err := os.Link(token, event(at, i)); {
		case err == nil:
			won[i] = 'w'
		case errors.Is(err, fs.ErrExist):
			won[i] = 'l'
		default:
			return err
		}
	}
	theirs, err := p.exchange(ctx, string(won))
	if err != nil {
		return err
	}
	for i, mine := range won {
		if len(theirs) != races || mine == theirs[i] {
			return fmt.Errorf("for name %d of %d one won %q, the other %q", i+1, races, won, theirs)
		}
		winner := p.role
		if mine == 'l' {
			winner = p.other
		}
		if b, err := os.ReadFile(event(at, i)); err != nil || string(b) != winner {
			return errors.Join(fmt.Errorf("name %d was won by the %s execution, and its content is %q", i+1, winner, b), err)
		}
	}
	return nil
}

func event(at string, i int) string { return filepath.Join(at, fmt.Sprintf("event.%d", i)) }

// touchForOther renews a lease and checks that the other execution sees it. The other one
// determines the age of the lease from a new file of its own.
func touchForOther(ctx context.Context, p *peer, at string, leads bool) error {
	lease := filepath.Join(at, "lease")
	if leads {
		if err := errors.Join(os.WriteFile(lease, nil, 0o640), os.Chtimes(lease, time.Unix(1, 0), time.Unix(1, 0)), p.meet(ctx), p.meet(ctx)); err != nil {
			return err
		}
		return errors.Join(unix.UtimesNanoAt(unix.AT_FDCWD, lease, nil, unix.AT_SYMLINK_NOFOLLOW), p.meet(ctx))
	}
	if err := p.meet(ctx); err != nil {
		return err
	}
	before, err := opened(lease)
	if err = errors.Join(err, p.meet(ctx), p.meet(ctx)); err != nil {
		return err
	}
	after, err := opened(lease)
	if err != nil {
		return err
	}
	probe := filepath.Join(at, "probe")
	if err := os.WriteFile(probe, nil, 0o640); err != nil {
		return err
	}
	now, err := opened(probe)
	if err != nil {
		return err
	}
	if age := now.ModTime().Sub(after.ModTime()); !before.ModTime().Equal(time.Unix(1, 0)) || age < -time.Second || age > 10*time.Second {
		return fmt.Errorf("the time before the touch is %v, and after it %v older than a new file's", before.ModTime(), age)
	}
	return nil
}

// opened opens a file and returns its attributes. Opening makes an NFS client ask the server for
// them.
func opened(path string) (fs.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Stat()
}

// replaceForOther replaces a job's status, and checks that the other execution, which has read it
// before, reads the new one.
func replaceForOther(ctx context.Context, p *peer, at string, leads bool) error {
	status, next := filepath.Join(at, "status"), filepath.Join(at, "next")
	if leads {
		return errors.Join(os.WriteFile(status, []byte("old"), 0o640), p.meet(ctx), p.meet(ctx),
			os.WriteFile(next, []byte("new"), 0o640), os.Rename(next, status), p.meet(ctx))
	}
	for i, want := range []string{"old", "new"} {
		if err := p.meet(ctx); err != nil {
			return err
		}
		_, err := os.ReadDir(at) // as the store does: this makes the client ask the server for the names
		b, readErr := os.ReadFile(status)
		if err := errors.Join(err, readErr); err != nil || string(b) != want {
			return errors.Join(fmt.Errorf("the status reads %q instead of %q", b, want), err)
		}
		if i == 0 {
			if err := p.meet(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// makeForOther creates a file, and checks that the other execution, which has found it missing
// before, finds it.
func makeForOther(ctx context.Context, p *peer, at string, leads bool) error {
	name := filepath.Join(at, "made")
	if leads {
		return errors.Join(p.meet(ctx), os.WriteFile(name, []byte("made"), 0o640), p.meet(ctx))
	}
	for range 2 {
		if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("before it is created: %w", errors.Join(errors.New("it exists"), err))
		}
	}
	if err := errors.Join(p.meet(ctx), p.meet(ctx)); err != nil {
		return err
	}
	_, err := os.ReadDir(at)
	b, readErr := os.ReadFile(name)
	if err := errors.Join(err, readErr); err != nil || string(b) != "made" {
		return errors.Join(fmt.Errorf("it reads %q", b), err)
	}
	return nil
}

// renameForOther renames a job's folder as an erasure does, and checks that the other execution,
// which has read the job before, no longer finds it.
func renameForOther(ctx context.Context, p *peer, at string, leads bool) error {
	before, after := filepath.Join(at, "job"), filepath.Join(at, ".gone")
	if leads {
		return errors.Join(os.Mkdir(before, 0o750), os.WriteFile(filepath.Join(before, "a"), nil, 0o640),
			p.meet(ctx), p.meet(ctx), os.Rename(before, after), p.meet(ctx))
	}
	if err := p.meet(ctx); err != nil {
		return err
	}
	_, err := os.ReadFile(filepath.Join(before, "a"))
	if err := errors.Join(err, p.meet(ctx), p.meet(ctx)); err != nil {
		return err
	}
	if _, err := os.ReadDir(at); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(before, "b"), nil, 0o640); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("a file in the old folder: %w", errors.Join(errors.New("it was created"), err))
	}
	_, err = os.Stat(filepath.Join(after, "a"))
	return err
}
