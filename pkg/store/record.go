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

// A record is a job as it was at one of its events. It is the content of the event's file (claim.N,
// run.R, final.R), which never changes, and of status.json, which is the same file under a second
// name. So readers of both names see the same bytes.
type record struct {
	job.Job
	Owner   string `json:"owner,omitempty"`
	Token   string `json:"token"` // identifies the process that made the file, for linkWithToken
	Claim   int    `json:"claim"` // the number of the last claim; in a success, the N of out.N
	Worker  string `json:"worker,omitempty"`
	Lease   int64  `json:"lease_ms,omitempty"` // time after which the claim expires unless it is renewed
	Crashed bool   `json:"crashed,omitempty"`  // the attempt before the claim ended without an outcome
	Shared  bool   `json:"shared,omitempty"`   // the claim's process works on other jobs too

	written time.Time // when its file was last written or touched, by the file server's clock
}

func newRecord(j job.Job) *record {
	return &record{Job: j, Owner: j.Owner, Token: rand.Text()}
}

// public returns the job as users see it. The result's content type follows from the spec, never
// from the record.
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

// The modification times of claims that their workers have ended. Each is older than any lease, and
// no other claim has it.
var (
	releasedCounted   = time.Unix(0, 0) // given back; the attempt counts
	releasedUncounted = time.Unix(1, 0) // given back; the attempt does not count
	blamed            = time.Unix(2, 0) // see [Lease.Blame]
)

// released reports whether the claim was given back.
func (r *record) released() bool {
	return r.written.Equal(releasedCounted) || r.written.Equal(releasedUncounted)
}

// giveBack changes the record of a running job to the one after its claim was given back.
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

// errConflict: another process has made the event, or has completed or erased the job meanwhile.
// The caller must read the job's folder again.
var errConflict = errors.New("another process was first")

// recordEvent makes an event of a job happen, at most once. It writes the record to a temporary
// file and links that to the event's name, for which all processes compete. Then it renames the
// temporary file over status.json. errConflict: another process has won, or the job was completed
// or erased meanwhile.
//
// After any other error it is unknown whether the event has happened: see eventExists.
//
// before is called after the record is written and before it is linked, with the time by the file
// server's clock. If it returns an error, the event does not happen.
func (s *Store) recordEvent(dir *os.File, event string, r *record, before func(now time.Time) error) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	path, tmp := filepath.Join(dir.Name(), event), filepath.Join(dir.Name(), tempPrefix+r.Token)
	create := s.createFile
	if r.State == job.Running {
		create = s.createUnsynced // the name of a claim is enough: see readClaim
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
	// From here on the event has happened. If the status can't be replaced, the sweeper repairs it.
	// If the folder can't be synced, the event's name may not be durable, so that error is
	// returned.
	statusErr := s.rename(tmp, filepath.Join(dir.Name(), statusFile))
	if statusErr != nil {
		statusErr = fmt.Errorf("%w: %w", errStatusBehind, errors.Join(statusErr, s.remove(tmp)))
	}
	if err := s.sync(dir); err != nil {
		return err
	}
	return statusErr
}

// errStatusBehind: the event has happened, but status.json does not show it.
var errStatusBehind = errors.New("the status was not updated")

// unchecked is a function before for recordEvent that never prevents the event.
func unchecked(time.Time) error { return nil }

// linkWithToken links tmp to path if path does not exist. Over NFS, link(2) may return EEXIST
// although it has made the name: the reply was lost, and the client has sent the request again. The
// token in the file shows which process has made it.
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

// eventExists reports whether an error of [Store.recordEvent], or nil, means that the event has
// happened, whether the status shows it or not.
func eventExists(err error) bool { return err == nil || errors.Is(err, errStatusBehind) }
