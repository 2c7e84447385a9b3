package client

import (
	"context"
	"time"
)

// errSamePage is the error of a list whose page names itself as the next one.
func errSamePage() error {
	return failuref(ErrUnavailable, nil, "the API returns the same page again and again")
}

// emptyPages counts the pages without content that a list had in a row. Some are normal,
// since a page is what the API found in a limited time.
type emptyPages int

const (
	emptyWithoutPause = 10     // empty pages in a row that are followed without a pause
	maxEmpty          = 10_000 // empty pages in a row that are followed at all
)

// pause is called with the number of things on a page that isn't the last one, before the
// next request. After several empty pages it waits, the longer the more there were, up to a
// second; after too many it returns an [ErrMalformed].
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
