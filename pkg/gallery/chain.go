package gallery

import (
	"cmp"
	"context"
	"errors"
	"maps"

	"github.com/atelier-go/atelier/pkg/bucket"
)

// A chain lists the hours that have pages, from which follows which page links to which, and marks
// the hours that must be updated (due).
type chain struct {
	Hours       map[string]link `json:"hours"`
	IndexTarget string          `json:"led,omitempty"` // the page that the index links to; "" is none
	LastDue     string          `json:"at,omitempty"`  // the due hour that was updated last
}

func (c chain) clone() chain {
	c.Hours = maps.Clone(c.Hours)
	return c
}

// A link is a chain's entry for one hour.
type link struct {
	Newest string `json:"newest,omitempty"` // its newest page; "" if it has none
	Older  string `json:"older,omitempty"`  // the page that its oldest page links to; "" is none
	Due    bool   `json:"due,omitempty"`    // all of it must be updated
}

// newestBefore returns the newest page of all hours before the given one; "" if there is none.
func (c chain) newestBefore(hour string) (newest string) {
	at := ""
	for h, l := range c.Hours {
		if l.Newest != "" && h < hour && h > at {
			at, newest = h, l.Newest
		}
	}
	return newest
}

// newest returns the newest page of all hours; "" if there is none.
func (c chain) newest() string { return c.newestBefore("~") } // "~" sorts after all hours

// hourAfter returns the first hour with pages after the given one; "" if there is none.
func (c chain) hourAfter(hour string) (next string) {
	for h, l := range c.Hours {
		if l.Newest != "" && h > hour && (next == "" || h < next) {
			next = h
		}
	}
	return next
}

// nextDue returns the due hour to be updated next, of those that are not in tried; "" if there is
// none. It goes from the hour that was updated last to older ones, and then starts again with the
// youngest, so that no due hour waits forever.
func (c chain) nextDue(tried map[string]bool) (hour string) {
	youngest := ""
	for h, l := range c.Hours {
		if !l.Due || tried[h] {
			continue
		}
		youngest = max(youngest, h)
		if h < c.LastDue {
			hour = max(hour, h)
		}
	}
	return cmp.Or(hour, youngest)
}

// loadChain reads the chain from the bucket. One that can't be parsed counts as missing.
func (u *update) loadChain(ctx context.Context) error {
	var c chain
	etag, err := u.getJSON(ctx, hoursKey, &c)
	if errors.Is(err, errUnreadable) {
		c, err = chain{}, nil
	}
	if err != nil {
		return err
	}
	u.hasChain = c.Hours != nil
	if c.Hours == nil {
		c.Hours = map[string]link{}
	}
	maps.DeleteFunc(c.Hours, func(hour string, _ link) bool { return !isHour(hour) })
	u.chain, u.etag = c, etag
	return nil
}

// saveChain replaces the chain in the bucket by c. It returns [bucket.ErrChanged] if another
// process has changed it since it was loaded.
func (u *update) saveChain(ctx context.Context, c chain) error {
	if u.hasChain && c.LastDue == u.chain.LastDue && c.IndexTarget == u.chain.IndexTarget && maps.Equal(c.Hours, u.chain.Hours) {
		return nil
	}
	etag, err := u.putJSON(ctx, hoursKey, c, u.etag)
	if err == nil {
		u.chain, u.etag, u.hasChain = c, etag, true
	}
	return err
}

// changeHours lets do change hours of the chain, and saves it. After a conflict with another
// process it calls do again with the new chain.
func (u *update) changeHours(ctx context.Context, do func(hours map[string]link)) error {
	return u.retryChanged(ctx, func() error {
		c := u.chain.clone()
		do(c.Hours)
		return u.saveChain(ctx, c)
	})
}

// maxTries is the number of retries after conflicts with erasures or other updates.
const maxTries = 20

// retryChanged calls do. After a conflict with another process it loads the chain and calls do
// again.
func (u *update) retryChanged(ctx context.Context, do func() error) error {
	for try := 0; ; try++ {
		err := do()
		if try == maxTries || !errors.Is(err, bucket.ErrChanged) {
			return err
		}
		if err = backOff(ctx, try); err == nil {
			err = u.loadChain(ctx)
		}
		if err != nil {
			return err
		}
	}
}
