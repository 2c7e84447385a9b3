package gallery

import (
	"cmp"
	"context"
	"errors"
	"maps"

	"github.com/atelier-go/atelier/pkg/bucket"
)

// A chain is how the hours that have pages follow each other, and which are to be looked at.
type chain struct {
	Hours map[string]link `json:"hours"`
	Led   string          `json:"led,omitempty"` // the page that the first page leads to; "" is none
	At    string          `json:"at,omitempty"`  // the hour that was looked at last of those that are due
}

func (c chain) clone() chain {
	c.Hours = maps.Clone(c.Hours)
	return c
}

// A link is an hour's place among the others.
type link struct {
	Newest string `json:"newest,omitempty"` // its newest page; "" where it has none yet
	Older  string `json:"older,omitempty"`  // the page that its oldest leads to; "" is none
	Due    bool   `json:"due,omitempty"`    // all of it is to be looked at
}

// before is the newest page of the hours before one; "" if there is none.
func (c chain) before(hour string) (newest string) {
	at := ""
	for h, l := range c.Hours {
		if l.Newest != "" && h < hour && h > at {
			at, newest = h, l.Newest
		}
	}
	return newest
}

// top is the newest page.
func (c chain) top() string { return c.before("~") } // after all

// after is the next hour that has pages; "" if there is none.
func (c chain) after(hour string) (next string) {
	for h, l := range c.Hours {
		if l.Newest != "" && h > hour && (next == "" || h < next) {
			next = h
		}
	}
	return next
}

// due is the hour to be looked at next: the one before the last that was, or the youngest, so that each has
// its turn. Those in but are left out. "": none is due.
func (c chain) due(but map[string]bool) (hour string) {
	youngest := ""
	for h, l := range c.Hours {
		if !l.Due || but[h] {
			continue
		}
		youngest = max(youngest, h)
		if h < c.At {
			hour = max(hour, h)
		}
	}
	return cmp.Or(hour, youngest)
}

// load reads the chain.
func (u *update) load(ctx context.Context) error {
	var c chain
	etag, err := u.getJSON(ctx, hoursKey, &c)
	if errors.Is(err, errUnreadable) {
		c, err = chain{}, nil
	}
	if err != nil {
		return err
	}
	u.known = c.Hours != nil
	if c.Hours == nil {
		c.Hours = map[string]link{}
	}
	maps.DeleteFunc(c.Hours, func(hour string, _ link) bool { return !isHour(hour) })
	u.chain, u.etag = c, etag
	return nil
}

// put replaces the chain, if nobody has since it was loaded.
func (u *update) put(ctx context.Context, c chain) error {
	if u.known && c.At == u.chain.At && c.Led == u.chain.Led && maps.Equal(c.Hours, u.chain.Hours) {
		return nil
	}
	etag, err := u.putJSON(ctx, hoursKey, c, u.etag)
	if err == nil {
		u.chain, u.etag, u.known = c, etag, true
	}
	return err
}

// change changes hours in the chain.
func (u *update) change(ctx context.Context, do func(hours map[string]link)) error {
	return u.again(ctx, func() error {
		c := u.chain.clone()
		do(c.Hours)
		return u.put(ctx, c)
	})
}

// tries is how often something is begun anew that an erasure, or another update, got ahead of.
const tries = 20

// again does something, and anew with the chain as it is by then, where others got ahead of it.
func (u *update) again(ctx context.Context, do func() error) error {
	for try := 0; ; try++ {
		err := do()
		if try == tries || !errors.Is(err, bucket.ErrChanged) {
			return err
		}
		if err = pause(ctx, try); err == nil {
			err = u.load(ctx)
		}
		if err != nil {
			return err
		}
	}
}
