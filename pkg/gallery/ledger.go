package gallery

import (
	"context"
	"maps"
	"strings"
)

// A ledger records for each page of an hour, named by its span, what the page was made of.
type ledger map[string]entry

type entry struct {
	Of    string `json:"of"`    // a hash of the page's job ids; "" is unknown
	Older string `json:"older"` // the page that it links to
	ETag  string `json:"etag"`  // the page's ETag after it was written
}

// hasParts reports whether a span is divided: whether a part of it has a page.
func (l ledger) hasParts(span string) bool {
	for page := range l {
		if len(page) > len(span) && strings.HasPrefix(page, span) {
			return true
		}
	}
	return false
}

// partialLedger returns the ledger of an hour whose update is not complete. It includes pages that
// are not updated yet, because they still exist and link to each other.
func (l *hourUpdate) partialLedger() ledger {
	all := ledger{}
	maps.Copy(all, l.previous)
	maps.Copy(all, l.next)
	return all
}

func (l *hourUpdate) saveLedger(ctx context.Context, now ledger) error {
	etag, err := l.putJSON(ctx, ledgerKey(l.hour), now, l.etag)
	if err == nil {
		l.etag, l.saved, l.unsavedPages = etag, now, 0
	}
	return err
}

// savePartialLedger saves the ledger of an update that failed, perhaps because ctx has ended.
func (l *hourUpdate) savePartialLedger(ctx context.Context) error {
	if l.unsavedPages == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	return l.saveLedger(ctx, l.partialLedger())
}
