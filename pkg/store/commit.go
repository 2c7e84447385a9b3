package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// final is the content of final.R: how run R ended. Whoever links it first has
// decided the run.
type final struct {
	Token      string       `json:"token"`
	State      job.State    `json:"state"`
	Claim      int          `json:"claim"` // the N of out.N
	Attempts   int          `json:"attempts"`
	StartedAt  *time.Time   `json:"started_at"`
	FinishedAt time.Time    `json:"finished_at"`
	Result     *job.Result  `json:"result,omitempty"`
	Receipt    *job.Receipt `json:"receipt,omitempty"`
	Error      *job.Failure `json:"error,omitempty"`
}

// apply brings a status in line with how its run ended.
func (f *final) apply(j *job.Job) {
	j.State, j.Attempts, j.StartedAt, j.FinishedAt = f.State, f.Attempts, f.StartedAt, &f.FinishedAt
	j.Result, j.Receipt, j.Error = f.Result, f.Receipt, f.Error
}

func (s *Store) final(id job.ID, run int) (*final, error) {
	path, err := s.path(id, finalFile(run))
	if err != nil {
		return nil, err
	}
	f := new(final)
	if err := readJSON(path, f); err != nil {
		return nil, err
	}
	return f, nil
}

// Succeed ends the run with a picture. The picture is durable before the
// outcome is. job.ErrLeaseLost: the run has ended another way, and this picture
// is thrown away. After any other error it is unknown whether the outcome
// stands: the next attempt finds out.
func (l *Lease) Succeed(picture []byte, res job.Result, receipt job.Receipt) error {
	path, err := l.store.path(l.Spec.ID, outputFile(l.claim))
	if err != nil {
		return err
	}
	sum := sha256.Sum256(picture)
	res.Bytes, res.SHA256 = int64(len(picture)), hex.EncodeToString(sum[:])
	if err := createFile(path, picture); err != nil {
		_ = os.Remove(path) // in part, and nothing refers to it
		return fmt.Errorf("finish job %s: %w", l.Spec.ID, err)
	}
	if err := l.commit(&final{State: job.Succeeded, Result: &res, Receipt: &receipt}); err != nil {
		// Only a known loser may remove its picture: after another error
		// final.R may be there and name it.
		if errors.Is(err, job.ErrLeaseLost) {
			_ = os.Remove(path)
		}
		return fmt.Errorf("finish job %s: %w", l.Spec.ID, err)
	}
	return nil
}

// Fail ends the run without a picture, for a reason that the user is shown.
// job.ErrLeaseLost: the run has ended another way.
func (l *Lease) Fail(f job.Failure) error {
	if err := l.commit(&final{State: job.Failed, Error: &f}); err != nil {
		return fmt.Errorf("fail job %s: %w", l.Spec.ID, err)
	}
	return nil
}

// commit competes for final.R and, having won, brings the status up to date.
func (l *Lease) commit(f *final) error {
	f.Token, f.Claim, f.Attempts, f.StartedAt, f.FinishedAt = l.token, l.claim, l.Attempt, &l.Began, time.Now().UTC()
	b, err := json.Marshal(f)
	if err != nil {
		return err
	}
	path, err := l.store.path(l.Spec.ID, finalFile(l.Run))
	if err != nil {
		return err
	}
	won, err := linkNew(path, b, l.token)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%w: the job is gone", job.ErrLeaseLost)
		}
		return err
	}
	if !won {
		return fmt.Errorf("%w: the run has ended already", job.ErrLeaseLost)
	}
	f.apply(&l.job)
	// The outcome stands whether or not the projection follows: readers hold an
	// unfinished status against final.R.
	_ = l.writeStatus()
	return nil
}
