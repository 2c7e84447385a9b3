package datasync

import (
	"context"
	"crypto/rand"
	"encoding/csv"
	"fmt"
	"time"

	"github.com/atelier-go/atelier/pkg/bucket"
)

// An Event is the event that EventBridge delivers when an execution ends.
type Event struct {
	Version    string            `json:"version"`
	ID         string            `json:"id"`
	Source     string            `json:"source"`
	DetailType string            `json:"detail-type"`
	Account    string            `json:"account"`
	Region     string            `json:"region"`
	Time       string            `json:"time"`
	Resources  []string          `json:"resources"`
	Detail     map[string]string `json:"detail"`
}

// A run is one execution.
type run struct {
	arn     string
	began   time.Time
	options options
	names   []string // nil: all files
	cancel  context.CancelFunc

	status   string
	failure  string
	report   Report
	reported bool // its event was delivered, or delivery failed
}

type options struct {
	TransferMode, PreserveDeletedFiles, VerifyMode, TaskQueueing string
}

func (r *run) over() bool { return r.status == "SUCCESS" || r.status == "ERROR" }

// readManifest reads the names in a manifest.
func readManifest(ctx context.Context, from *bucket.Bucket, key string) ([]string, error) {
	body, _, err := from.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	rows, err := csv.NewReader(body).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read the manifest %s: %w", key, err)
	}
	names, twice := []string{}, map[string]bool{}
	for _, row := range rows {
		if twice[row[0]] {
			return nil, fmt.Errorf("the manifest %s has %s twice", key, row[0])
		}
		twice[row[0]] = true
		names = append(names, row[0])
	}
	return names, nil
}

// run copies, and reports the end.
func (s *Service) run(ctx context.Context, r *run) {
	defer r.cancel()
	s.locked(func() { r.status = "TRANSFERRING" })
	var err error
	var report Report
	if s.Before != nil {
		err = s.Before(ctx)
	}
	switch {
	case err != nil:
	case r.names != nil:
		report, err = s.task.RunManifest(ctx, r.names)
	default:
		report, err = s.task.Run(ctx)
	}
	s.locked(func() {
		r.status, r.report = "SUCCESS", report
		if err != nil {
			r.status, r.failure = "ERROR", err.Error()
		}
	})
	if s.executed != nil {
		s.executed(report)
	}
	if s.ended != nil {
		err = s.ended(s.running, Event{
			Version: "0", ID: rand.Text(), Source: "aws.datasync", DetailType: "DataSync Task Execution State Change",
			Account: account, Region: region, Time: time.Now().UTC().Format(time.RFC3339),
			Resources: []string{r.arn}, Detail: map[string]string{"State": r.status},
		})
		if err != nil && s.task.Log != nil {
			s.task.Log.Warn("the event of an execution's end was not delivered", "execution", r.arn, "error", err)
		}
	}
	s.locked(func() { r.reported = true })
}
