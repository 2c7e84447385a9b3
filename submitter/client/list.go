package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// pageSize is how many jobs one request asks for. The API returns no more.
const pageSize = 100

// A Page is a part of a list of jobs.
type Page struct {
	Jobs []job.Job
	Next string `json:"next_cursor"`
	JSON []byte `json:"-"` // the response
}

// List lists jobs, newest first: those in a state, or all if state is "". It calls each for every
// page, until it has listed limit jobs or there are no more. If each returns an error, List ends
// with it. It retries while the API is unavailable. n is how many jobs it has listed, and more
// reports whether there may be others.
func (c *Client) List(ctx context.Context, state job.State, limit int, each func(*Page) error) (n int, more bool, err error) {
	query := url.Values{}
	if state != "" {
		query.Set("state", string(state))
	}
	var empty emptyPages
	for n < limit {
		query.Set("limit", strconv.Itoa(min(limit-n, pageSize)))
		page, err := Retry(ctx, func() (*Page, error) { return c.page(ctx, query) }, Unavailable, nil)
		if err == nil {
			err = each(page)
		}
		if err != nil {
			return n, true, err
		}
		n += len(page.Jobs)
		switch page.Next {
		case "":
			return n, false, nil
		case query.Get("cursor"):
			return n, true, errSamePage()
		}
		query.Set("cursor", page.Next)
		if err := empty.pause(ctx, c, len(page.Jobs)); err != nil {
			return n, true, err
		}
	}
	return n, true, nil
}

func (c *Client) page(ctx context.Context, query url.Values) (*Page, error) {
	ctx, cancel := withSmallTimeout(ctx)
	defer cancel()
	resp, err := c.send(ctx, http.MethodGet, "v1/jobs?"+query.Encode(), nil, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	page := new(Page)
	if page.JSON, err = c.readJSON(resp, page); err != nil {
		return nil, err
	}
	if page.Jobs == nil || len(page.Jobs) > pageSize {
		return nil, c.malformed("it was asked for a list of at most %d jobs", pageSize)
	}
	for i := range page.Jobs {
		if err := c.checkJob(&page.Jobs[i]); err != nil {
			return nil, err
		}
	}
	return page, c.checkCursor(page.Next)
}

// errSamePage returns the error for a page of a list that names itself as the next one.
func errSamePage() error {
	return failuref(ErrUnavailable, nil, "the API returns the same page again and again")
}

// emptyPages counts how many pages of a list in a row were empty. Some are normal, because a page
// is what the API has found within a limited time.
type emptyPages int

const (
	emptyWithoutPause = 10     // empty pages in a row that are followed without a pause
	maxEmpty          = 10_000 // empty pages in a row that are followed at all
)

// pause is called after each page except the last one, with the number of items on it. After
// several empty pages it waits, longer with each of them, up to a second. After too many it returns
// an [ErrMalformed].
func (e *emptyPages) pause(ctx context.Context, c *Client, things int) error {
	if *e++; things > 0 {
		*e = 0
	}
	switch {
	case *e >= maxEmpty:
		return c.malformed("its list goes on after %d empty pages in a row", maxEmpty)
	case *e >= emptyWithoutPause:
		return Sleep(ctx, min(time.Duration(*e-emptyWithoutPause+1)*100*time.Millisecond, time.Second))
	}
	return nil
}
