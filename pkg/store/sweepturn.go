package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A turn is a file in sweep/ whose name is this prefix and a number. The numbers begin again after
// maxTurn, which one turn a second reaches in thirty years.
const (
	turnPrefix = "turn."
	maxTurn    = 999_999_999
)

// Turn reports whether it is the caller's turn to sweep. Of all callers, on all machines, one gets
// the turn, and within the time every after that none gets another one. A sweep that takes longer
// may overlap with the next one; then work is repeated, which does no harm.
func (s *Store) Turn(every time.Duration) (bool, error) {
	won, err := s.turn(every)
	if err != nil {
		return false, fmt.Errorf("take the turn to sweep: %w", err)
	}
	return won, nil
}

func (s *Store) turn(every time.Duration) (bool, error) {
	dir := filepath.Join(s.dir, sweepDir)
	names, err := s.list(dir)
	if err != nil {
		return false, err
	}
	last := 0
	for _, name := range names {
		number, is := strings.CutPrefix(name, turnPrefix)
		if n, err := strconv.Atoi(number); is && err == nil && n >= 1 && n <= maxTurn && strconv.Itoa(n) == number {
			last = max(last, n)
		}
	}
	at := func(n int) string { return filepath.Join(dir, fmt.Sprintf("%s%d", turnPrefix, n)) }
	tmp := s.tempPath(rand.Text())
	now, err := s.createWithSpare(tmp, nil)
	if err == nil && last > 0 {
		var before time.Time
		before, err = s.modTime(at(last))
		// A turn in the future was taken before the clock was set back.
		if age := now.Sub(before); err == nil && age >= 0 && age < every {
			return false, s.remove(tmp)
		}
	}
	next := last + 1
	if err == nil && last == maxTurn { // only by a foreign file, not by counting
		next, err = 1, s.removeTree(at(last))
	}
	if err == nil {
		err = s.link(tmp, at(next))
	}
	if isFull(err) && last > 0 { // if two callers try this, only one finds the file
		if err = s.touch(at(last)); err == nil {
			err = s.rename(at(last), at(next))
		}
	}
	if errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
		return false, s.remove(tmp) // another process was first
	}
	if err = errors.Join(err, s.remove(tmp)); err != nil {
		return false, err
	}
	for _, name := range names {
		if strings.HasPrefix(name, turnPrefix) && name != filepath.Base(at(last)) {
			_ = s.removeTree(filepath.Join(dir, name)) // a file that can't be removed must not prevent the sweep
		}
	}
	return true, nil
}
