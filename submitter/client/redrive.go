package client

import (
	"context"
	"slices"

	"github.com/atelier-go/atelier/pkg/job"
)

// A RedriveQuery selects the failed jobs that [Client.Redrive] runs again: those in IDs, all of
// them, or those that failed with Code.
type RedriveQuery struct {
	IDs    []job.ID `json:"ids,omitempty"`
	All    bool     `json:"all,omitempty"`
	Code   string   `json:"code,omitempty"`
	Cursor string   `json:"cursor,omitempty"` // of a page; [Client.Redrive] sets it
}

// Redriven says what became of the jobs of one page.
type Redriven struct {
	Retried []job.ID
	Skipped []struct {
		ID           job.ID
		Code, Detail string
	}
	Next string `json:"next_cursor"`
	JSON []byte `json:"-"` // the response
}

const (
	// redriveSize is how many jobs one request names at most, so that its response takes only
	// seconds.
	redriveSize = 100
	// maxRedriven is the number of jobs after which a redrive that does not end is given up.
	maxRedriven = 1_000_000
)

// Redrive runs failed jobs again, page by page, and calls each with what became of the jobs of a
// page. If each returns an error, Redrive ends with it. It retries while the API is busy or can't
// be reached. After an error, the same query continues with the remaining jobs, because those that
// run again are no longer failed.
func (c *Client) Redrive(ctx context.Context, query RedriveQuery, each func(*Redriven) error) error {
	if len(query.IDs) > 0 {
		for ids := range slices.Chunk(query.IDs, redriveSize) {
			page, err := c.redriveWithRetries(ctx, RedriveQuery{IDs: ids})
			if err == nil {
				err = each(page)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	var empty emptyPages
	for n := 0; ; {
		page, err := c.redriveWithRetries(ctx, query)
		if err != nil {
			return err
		}
		things := len(page.Retried) + len(page.Skipped)
		if n += things; n > maxRedriven {
			return c.malformed("it has run more than %d jobs again, and goes on", maxRedriven)
		}
		if err := each(page); err != nil || page.Next == "" {
			return err
		}
		if page.Next == query.Cursor {
			return errSamePage()
		}
		query.Cursor = page.Next
		if err := empty.pause(ctx, c, things); err != nil {
			return err
		}
	}
}

func (c *Client) redriveWithRetries(ctx context.Context, query RedriveQuery) (*Redriven, error) {
	return Retry(ctx, func() (*Redriven, error) { return c.redrive(ctx, query) }, Temporary, c.onRetry)
}

func (c *Client) redrive(ctx context.Context, query RedriveQuery) (*Redriven, error) {
	ctx, cancel := withSmallTimeout(ctx)
	defer cancel()
	resp, err := c.postJSON(ctx, "v1/admin/redrive", query)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	page := new(Redriven)
	if page.JSON, err = c.readJSON(resp, page); err != nil {
		return nil, err
	}
	if page.Retried == nil {
		return nil, c.malformed("it does not say which jobs run again")
	}
	ids := page.Retried
	for _, s := range page.Skipped {
		ids = append(ids, s.ID)
	}
	for _, id := range ids {
		if err := c.checkID(id); err != nil {
			return nil, err
		}
	}
	return page, c.checkCursor(page.Next)
}
