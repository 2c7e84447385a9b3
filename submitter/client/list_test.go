package client

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Empty pages are followed without pauses at first, then with pauses, and not for ever.
func TestEmptyPages(t *testing.T) {
	c := &Client{base: &url.URL{Scheme: "http", Host: "api.test"}}
	synctest.Test(t, func(t *testing.T) {
		var empty emptyPages
		waited := func(things int) time.Duration {
			began := time.Now()
			if err := empty.pause(t.Context(), c, things); err != nil {
				t.Fatal(err)
			}
			return time.Since(began)
		}
		for range 3 {
			for n := 1; n <= 30; n++ {
				want := min(time.Duration(max(0, n-9))*100*time.Millisecond, time.Second)
				if got := waited(0); got != want {
					t.Errorf("after %d empty pages: waited %s, want %s", n, got, want)
				}
			}
			if got := waited(1); got != 0 {
				t.Errorf("after a page with a job: waited %s", got)
			}
		}
		for range 9_999 {
			waited(0)
		}
		err := empty.pause(t.Context(), c, 0)
		if !errors.Is(err, ErrUnavailable) || !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "10000 empty pages") {
			t.Errorf("got %v", err)
		}
	})
}
