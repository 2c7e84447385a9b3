package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// longestWait is how long the API is asked to wait for a change of a job before it responds. The
// API may respond earlier, or not support waiting.
const longestWait = 20 * time.Second

const (
	// firstPoll is the time from one request to the next, if the API does not say when to ask
	// again. If the API waited longer than this before it responded, the next request is sent at
	// once. The time grows by a quarter with each response without a change, up to longestDelay or
	// to the time that the API names.
	firstPoll = time.Second
	// longestPoll is the longest time between two requests that the API can ask for.
	longestPoll = time.Minute
	// changesWithoutPause is after how many changes of a job the next request is no longer sent at
	// once. No real job changes so often; an API that invents changes would otherwise be asked
	// without a pause.
	changesWithoutPause = 20
)

// A poll is what [Client.Follow] remembers between two requests.
type poll struct {
	wait      time.Duration // that the API is asked to wait for a change
	unchanged int           // responses in a row without a change
	changes   int
	failures  int // in a row
}

// Follow reads a job until its run has ended, and returns it. Only the fields ID, State, Run and
// Attempts of j must be set. update is called with the job of each response. changed reports
// whether this is the first one, or differs from the one before in its state, run or attempts.
//
// While the API is unavailable, Follow keeps trying until ctx ends. It tells outage about this,
// unless that is nil.
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

// failed returns how long to wait after a failed request, which took this long. If the request must
// not be repeated, it returns err.
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

// next returns the time from the last request to the next one. asked is the time that the API has
// asked for; 0 if it has not.
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

// differs reports whether a job has changed in its state, run or attempts. An API without ETags
// returns an unchanged job again and again.
func differs(from, to *job.Job) bool {
	return from.State != to.State || from.Run != to.Run || from.Attempts != to.Attempts
}
