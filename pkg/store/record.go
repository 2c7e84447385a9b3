package store

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A record is a job as of one event of its life. It is the content of the
// event's own file, which is never changed (claim.N, run.R, final.R), and of
// status.json, which is the same file under a second name: so whoever reads the
// one or the other sees the same bytes.
type record struct {
	job.Job
	Owner   string `json:"owner,omitempty"`
	Token   string `json:"token"` // whose the file is, where link(2) leaves doubt
	Claim   int    `json:"claim"` // the number of the last claim; in a success, the N of out.N
	Worker  string `json:"worker,omitempty"`
	Lease   int64  `json:"lease_ms,omitempty"` // how long the claim stands without being renewed
	Crashed bool   `json:"crashed,omitempty"`  // the attempt before the claim ended without a word
	Shared  bool   `json:"shared,omitempty"`   // the claim's process has other jobs too

	written time.Time // when its file was written or touched last, by the file server's clock
}

func newRecord(j job.Job) *record {
	return &record{Job: j, Owner: j.Owner, Token: rand.Text()}
}

// public is what users see of it. What a result is follows from what was asked for,
// and not from what somebody wrote beside it.
func (r *record) public() job.Job {
	j := r.Job
	j.Owner = r.Owner
	if j.Result != nil {
		res := *j.Result
		res.ContentType, res.URL, res.ThumbnailURL = "image/"+j.Format, "", ""
		j.Result = &res
	}
	return j
}

// The modification times of claims that are over by their maker's hand: older than any
// lease, and unlike any other.
var (
	releasedCounted   = time.Unix(0, 0) // given back
	releasedUncounted = time.Unix(1, 0) // given back as if it had not been
	blamed            = time.Unix(2, 0) // see [Lease.Blame]
)

// released says whether the claim was given back, rather than left.
func (r *record) released() bool {
	return r.written.Equal(releasedCounted) || r.written.Equal(releasedUncounted)
}

// giveBack is what becomes of a running job whose claim is given back.
func (r *record) giveBack(counted bool) {
	r.State = job.Queued
	if !counted {
		r.Attempts--
	}
}

func (s *Store) readRecord(id job.ID, name string) (*record, error) {
	r := new(record)
	b, written, err := s.readFile(filepath.Join(s.jobDir(id), name))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("%s: %w", name, errors.Join(errUnreadable, err))
	}
	if err := r.valid(id, name); err != nil {
		return nil, err
	}
	r.written = written
	return r, nil
}

// errTaken: an event has happened already, by somebody else's hand.
var errConflict = errors.New("another was quicker")

// happen makes an event of a job's life happen once. The record is linked to
// the event's name, for which all who want it to happen compete, and then moved
// over status.json. errTaken: somebody else won, or the job was tidied up or
// erased meanwhile; look again.
//
// After any other error it is unknown whether the event has happened.
//
// before is called between the writing of the record and its linking, with the
// time by the file server's clock; its error calls the event off.
func (s *Store) recordEvent(dir *os.File, event string, r *record, before func(now time.Time) error) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	path, tmp := filepath.Join(dir.Name(), event), filepath.Join(dir.Name(), tempPrefix+r.Token)
	create := s.createFile
	if r.State == job.Running {
		create = s.createUnsynced // a claim tells enough by its name: see readClaim
	}
	now, err := create(tmp, b)
	if err == nil {
		err = before(now)
	}
	if err == nil {
		err = s.linkWithToken(tmp, path, r.Token)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: %w", errConflict, err)
	}
	if err != nil {
		return errors.Join(err, s.remove(tmp))
	}
	r.written = now
	// From here on it has happened. A status that can't follow is set right by
	// whoever tidies up; a name that may not be durable is another matter.
	lag := s.rename(tmp, filepath.Join(dir.Name(), statusFile))
	if lag != nil {
		lag = fmt.Errorf("%w: %w", errStatusBehind, errors.Join(lag, s.remove(tmp)))
	}
	if err := s.sync(dir); err != nil {
		return err
	}
	return lag
}

// errUntidy: the event has happened, and status.json does not show it.
var errStatusBehind = errors.New("the status was not updated")

func unchecked(time.Time) error { return nil }

// linkOurs links tmp to path if path does not exist yet. link(2) over NFS may
// report EEXIST for its own retransmitted success: the token in the file says
// whose it is.
func (s *Store) linkWithToken(tmp, path, token string) error {
	err := s.link(tmp, path)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	b, _, err := s.readFile(path)
	if err != nil {
		return err
	}
	var there struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(b, &there); err != nil {
		return fmt.Errorf("%s: %w", path, errors.Join(errUnreadable, err))
	}
	if there.Token != token {
		return errConflict
	}
	return nil
}

// happened tells an event that has happened, perhaps but for the status, from one
// of which it is unknown.
func eventExists(err error) bool { return err == nil || errors.Is(err, errStatusBehind) }
