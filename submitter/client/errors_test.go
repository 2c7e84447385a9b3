package client

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/submitter/escape"
)

func TestKind(t *testing.T) {
	for _, c := range []struct {
		err, want error
	}{
		{nil, nil},
		{errors.New("disk full"), nil},
		{context.Canceled, nil},
		{fmt.Errorf("x: %w", &StatusError{Status: 503}), ErrUnavailable},
		{&StatusError{Status: 403, Code: "forbidden"}, ErrUnauthorized},
		{failuref(ErrMalformed, nil, "x"), ErrMalformed},
		{failuref(ErrUnavailable, errLinkExpired, "x"), ErrUnavailable},
	} {
		if got := Kind(c.err); got != c.want {
			t.Errorf("Kind(%v): got %v, want %v", c.err, got, c.want)
		}
	}
	if err := failuref(ErrMalformed, nil, "x"); !errors.Is(err, ErrUnavailable) {
		t.Error("a malformed response is not ErrUnavailable")
	}
	if err := failuref(ErrUnavailable, errLinkExpired, "x"); !errors.Is(err, errLinkExpired) || err.Error() != "x" {
		t.Errorf("got %q, which must wrap its cause and not contain it", err)
	}
}

// The types that responses are read into have only strings that can be escaped.
func TestResponsesCanBeEscaped(*testing.T) {
	for _, response := range []any{new(job.Job), new(Page), new(Styles), new(Redriven)} {
		escape.Strings(response)
	}
}
