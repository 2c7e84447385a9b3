package keyring_test

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atelier-go/atelier/api/keyring"
)

// A source is a list in memory. It is used by one goroutine.
type source struct {
	text  string
	fails error
	hangs bool

	version int
	reads   []string // the known versions that came with them
}

func (s *source) String() string { return "s3://bucket/keys" }

func (s *source) write(lines ...string) { s.text, s.version = strings.Join(lines, "\n"), s.version+1 }

func (s *source) Read(ctx context.Context, known string) ([]byte, string, error) {
	s.reads = append(s.reads, known)
	if s.hangs {
		<-ctx.Done()
		return nil, "", context.Cause(ctx)
	}
	if s.fails != nil {
		return nil, "", s.fails
	}
	version := strconv.Itoa(s.version)
	if known == version {
		return nil, version, nil
	}
	return []byte(s.text), version, nil
}

func TestSource(t *testing.T) {
	annas, anna := made(t, "anna", "read")
	bertas, berta := made(t, "berta", "read")
	type rig struct {
		*testing.T
		source
		ring *keyring.Ring
		said said
	}
	admits := func(r *rig, what, key string, want bool) {
		r.Helper()
		if _, ok := r.ring.Lookup(key); ok != want {
			r.Errorf("%s: got %v, want %v", what, ok, want)
		}
	}
	for name, test := range map[string]func(r *rig){
		"it is read at the first lookup": func(r *rig) {
			if len(r.reads) != 0 {
				r.Error("it was read when it was opened")
			}
			admits(r, "the first lookup", annas, true)
			admits(r, "another", bertas, false)
			if len(r.reads) != 1 {
				r.Errorf("it was read %d times", len(r.reads))
			}
		},
		"it is read again when a lookup comes, not in between": func(r *rig) {
			admits(r, "before", annas, true)
			r.write(berta)
			time.Sleep(keyring.SourceEvery - time.Millisecond)
			admits(r, "too early", annas, true)
			time.Sleep(time.Millisecond)
			admits(r, "a new key", bertas, true)
			admits(r, "a revoked one", annas, false)
			time.Sleep(24 * time.Hour) // the process is frozen
			r.write(anna)
			admits(r, "after a long time, a revoked one", bertas, false)
			admits(r, "after a long time, a new one", annas, true)
		},
		"what is unchanged is not read whole": func(r *rig) {
			for range 5 {
				admits(r, "always", annas, true)
				time.Sleep(keyring.SourceEvery)
			}
			if got := strings.Join(r.reads, ","); got != ",1,1,1,1" {
				r.Errorf("it was read with %s", got)
			}
			if n := strings.Count(r.said.String(), "were read again"); n != 1 {
				r.Errorf("it was logged %d times that they were read", n)
			}
		},
		"away, the keys count for a while after the last read": func(r *rig) {
			admits(r, "before", annas, true)
			r.fails = errors.New("S3 is away")
			for at := time.Duration(0); at < keyring.SourceGrace; at += time.Second {
				admits(r, "after "+at.String(), annas, true)
				time.Sleep(time.Second)
			}
			for range 100 {
				admits(r, "later", annas, false)
				time.Sleep(time.Second)
			}
			if s := r.ring.Status(); s.Err == nil || s.Readable || s.Keys != 0 {
				r.Errorf("got %+v", s)
			}
			if n := len(r.reads); n > 90 {
				r.Errorf("it was read %d times in 400 s", n)
			}
			for _, want := range []string{"are valid for 5m0s", "no key is valid", "S3 is away", "s3://bucket/keys"} {
				if !strings.Contains(r.said.String(), want) {
					r.Errorf("%q was not logged: %s", want, r.said.String())
				}
			}
			r.fails = nil
			time.Sleep(5 * time.Second)
			admits(r, "it is back", annas, true) // although the version is the same
		},
		"away when the process was frozen for long, no key is valid": func(r *rig) {
			admits(r, "before", annas, true)
			time.Sleep(time.Hour)
			r.fails = errors.New("S3 is away")
			admits(r, "with keys of an hour ago", annas, false)
		},
		"away at the first lookup, no key is valid": func(r *rig) {
			time.Sleep(time.Hour)
			r.fails = errors.New("S3 is away")
			admits(r, "never read", annas, false)
			if s := r.ring.Status(); s.Err == nil || !strings.Contains(s.Err.Error(), "S3 is away") {
				r.Errorf("got %+v", s)
			}
			r.fails = nil
			time.Sleep(5 * time.Second)
			admits(r, "it is back", annas, true)
		},
		"no lookup waits for long": func(r *rig) {
			admits(r, "before", annas, true)
			time.Sleep(keyring.SourceEvery)
			r.hangs = true
			began := time.Now()
			admits(r, "meanwhile", annas, true)
			if took := time.Since(began); took != 5*time.Second {
				r.Errorf("it took %s", took)
			}
		},
		"each line counts for itself": func(r *rig) {
			r.write(anna, "nonsense", berta)
			admits(r, "before the bad line", annas, true)
			admits(r, "behind it", bertas, true)
			if s := r.ring.Status(); s != (keyring.Status{Keys: 2, BadLines: 1, Readable: true}) {
				r.Errorf("got %+v", s)
			}
		},
		"too large a text counts as unreadable": func(r *rig) {
			r.write(anna, strings.Repeat("# x\n", 1<<18))
			admits(r, "in it", annas, false)
			if s := r.ring.Status(); s.Err == nil || !strings.Contains(s.Err.Error(), "larger than") {
				r.Errorf("got %+v", s)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &rig{T: t}
				r.write(anna)
				r.ring = keyring.NewLazy(&r.source, slog.New(slog.NewTextHandler(&r.said, nil)))
				test(r)
			})
		})
	}
}

// Lookups concurrent with the first one wait for it: none is refused.
func TestConcurrentFirstLookups(t *testing.T) {
	annas, anna := made(t, "anna", "read")
	s := &source{}
	s.write(anna)
	ring := keyring.NewLazy(s, slog.New(slog.DiscardHandler))
	admitted := make(chan bool)
	for range 8 {
		go func() { _, ok := ring.Lookup(annas); admitted <- ok }()
	}
	for range 8 {
		if !<-admitted {
			t.Error("a key was refused")
		}
	}
	if len(s.reads) != 1 {
		t.Errorf("it was read %d times", len(s.reads))
	}
}

func TestOpenSource(t *testing.T) {
	annas, anna := made(t, "anna", "read")
	for want, s := range map[string]*source{"line 2: a line has three words": {text: anna + "\nx"}, "contains no key": {}, "is away": {fails: errors.New("S3 is away")}} {
		if _, err := keyring.OpenSource(s, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), s.String()) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	ring, err := keyring.OpenSource(&source{text: anna, version: 1}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := ring.Lookup(annas); !ok {
		t.Error("the key is refused")
	}
}
