package measurement

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"
)

// An attempt is what a worker logs at the end of a job, as JSON.
type attempt struct {
	Time      time.Time `json:"time"`
	Msg       string    `json:"msg"`
	Job       string    `json:"job"`
	Code      string    `json:"code"` // of a failed job
	TookMS    float64   `json:"took_ms"`
	ReadMS    float64   `json:"read_ms"`
	DecodeMS  float64   `json:"decode_ms"` // including reading
	StylizeMS float64   `json:"stylize_ms"`
	EncodeMS  float64   `json:"encode_ms"`
	WriteMS   float64   `json:"write_ms"`
	Cold      bool      `json:"cold_start"`
}

// logTime is the maximum time until a worker logs a job's end after the end is visible to others.
const logTime = 30 * time.Second

// attemptsOf waits up to logTime until the logs have the ends of these jobs, and returns attempts.
func attemptsOf(ctx context.Context, ids []string, paths ...string) (map[string]attempt, error) {
	ctx, cancel := context.WithTimeout(ctx, logTime)
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		all, err := attempts(paths...)
		if err != nil {
			return nil, err
		}
		missing := slices.IndexFunc(ids, func(id string) bool { _, ok := all[id]; return !ok })
		if missing < 0 {
			return all, nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("no worker's log has the end of job %s: see %v (%w)", ids[missing], paths, ctx.Err())
		}
	}
}

// attempts reads the ends of jobs from workers' logs, by job id. Other lines, such as those of the
// engines' libraries, are ignored.
func attempts(paths ...string) (map[string]attempt, error) {
	by := map[string]attempt{}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for text := range bytes.Lines(b) {
			var a attempt
			if json.Unmarshal(text, &a) == nil && (a.Msg == "succeeded" || a.Msg == "failed") && a.Job != "" {
				by[a.Job] = a
			}
		}
	}
	return by, nil
}

// fill completes a job with what its worker has logged, except Cold: if several pictures are the
// first of a process at once, the worker and its host may differ on which one is.
func (a attempt) fill(j *Job) {
	j.Handler = a.TookMS / 1000
	j.Read, j.Decode = a.ReadMS/1000, (a.DecodeMS-a.ReadMS)/1000
	j.Paint, j.Encode, j.Write = a.StylizeMS/1000, a.EncodeMS/1000, a.WriteMS/1000
	if a.Msg == "failed" {
		j.Failed = a.Code
	}
}

// since completes a job with the times from its scheduled sending until the attempt began, and
// until it ended with a durable picture.
func (a attempt) since(scheduled time.Time, j *Job) {
	j.Received, j.Latency = max(0, a.began().Sub(scheduled).Seconds()), a.Time.Sub(scheduled).Seconds()
}

// began returns when the attempt began.
func (a attempt) began() time.Time {
	return a.Time.Add(-time.Duration(a.TookMS * float64(time.Millisecond)))
}
