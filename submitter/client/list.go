package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/atelier-go/atelier/pkg/job"
)

// pageSize is the number of jobs that one request asks for at most: the API's limit.
const pageSize = 100

// A Page is a part of a list of jobs.
type Page struct {
	Jobs []job.Job
	Next string `json:"next_cursor"`
	JSON []byte `json:"-"` // the response
}

// List lists jobs, newest first: those in a state, or all if it is "". It calls each for page
// after page until there were limit jobs or no more; an error of each ends it. It retries
// while the API is unavailable. n is the number of jobs, and more reports whether there may be
// others.
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
