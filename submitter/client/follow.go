package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// longestWait is the time for which the API is asked to delay its response until a job
// changes. The API may respond earlier, or not support waiting.
const longestWait = 20 * time.Second

const (
	// firstPoll is the time from one request to the next if the API doesn't name one; after a
	// response that the API delayed, there is nothing left of it. It grows by a quarter with
	// each response without a change, up to longestDelay or the time that the API names.
	firstPoll = time.Second
	// longestPoll is the longest time that the API can name.
	longestPoll = time.Minute
	// changesWithoutPause is the number of changes of a job that are followed by the next
	// request at once. No real job has that many: an API that invents changes is not polled
	// continuously.
	changesWithoutPause = 20
)

// A poll is the state of [Client.Follow] between two requests.
type poll struct {
	wait      time.Duration // that the API is asked to wait for a change
	unchanged int           // responses in a row without a change
	changes   int
	failures  int // in a row
}

// Follow reads a job until its run has ended, and returns it then. Of j only the fields ID,
// State, Run and Attempts have to be set. update is called with the job as each response has
// it; changed reports whether it is the first, or differs from the one before in state, run
// or attempts.
//
// While the API is unavailable, Follow waits until ctx ends, and reports that to outage unless
// outage is nil.
func (c *Client) Follow(ctx context.Context, j *Job, outage *Outage, update func(j *Job, changed bool)) (*Job, error) {
	p := poll{wait: longestWait}
	defer func() {
		if p.failures > 0 {
			outage.Abandon()
		}
	}()
	delay := time.Duration(0)
	for first := true; !j.State.Finished(); first = false {
		if err := Sleep(ctx, delay); err != nil {
			return nil, fmt.Errorf("%w; the job goes on", err)
		}
		began, wait := time.Now(), p.wait
		if j.etag == "" {
			wait = 0 // read the job as it is first
		}
		next, asked, err := c.readJob(ctx, j.ID, j.etag, wait)
		if err := callerEnded(ctx); err != nil {
			return nil, fmt.Errorf("%w; the job goes on", err)
		}
		if err != nil {
			if delay, err = p.failed(err, time.Since(began), outage); err != nil {
				return nil, err
			}
			continue
		}
		if p.failures > 0 {
			outage.End()
			p.failures = 0
		}
		p.unchanged++
		if next != nil {
			changed := first || differs(&j.Job, &next.Job)
			if changed {
				p.unchanged = 0
				p.changes++
			}
			j = next
			update(j, changed)
		}
		delay = p.next(asked) - time.Since(began)
	}
	return j, nil
}

// failed returns the delay after a failed request that took some time, or the error if it is
// final.
func (p *poll) failed(err error, took time.Duration, outage *Outage) (time.Duration, error) {
	if !Unavailable(err) {
		return 0, err
	}
	if p.failures++; p.failures == 1 {
		outage.Begin(err)
	}
	if p.failures >= MaxTries && errors.Is(err, ErrMalformed) {
		return 0, err // the API is not out of reach
	}
	if took > firstPoll { // a proxy may not allow long waits
		p.wait = (p.wait / 2).Truncate(time.Second)
	}
	return Delay(err, p.failures), nil
}

// next returns the time from the request before to the next one; asked is the time that the
// API named, or 0.
func (p *poll) next(asked time.Duration) time.Duration {
	if p.unchanged == 0 && p.changes <= changesWithoutPause {
		return 0
	}
	return pollDelay(asked, p.unchanged)
}

func pollDelay(asked time.Duration, unchanged int) time.Duration {
	delay := firstPoll
	for range min(unchanged, 10) {
		delay += delay / 4
	}
	return max(min(delay, longestDelay), min(asked, longestPoll))
}

// differs reports whether a job has moved on. An API without ETags returns an unchanged job
// again and again.
func differs(from, to *job.Job) bool {
	return from.State != to.State || from.Run != to.Run || from.Attempts != to.Attempts
}
