package client

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "5": 5 * time.Second, "-3": 0, "soon": 0, "3601": time.Hour, "99999999999999": time.Hour, strings.Repeat("9", 100): time.Hour,
		"-" + strings.Repeat("9", 100): 0, "NaN": 0, "1e9": 0, "Fri, 31 Dec 9999 23:59:59 GMT": time.Hour,
		"Mon, 02 Jan 2006 15:04:05 GMT": 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {value}}); got != want {
			t.Errorf("retryAfter(%q): got %v, want %v", value, got, want)
		}
	}
	date := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	if got := retryAfter(http.Header{"Retry-After": {date}}); got < 59*time.Minute || got > time.Hour {
		t.Errorf("retryAfter(in an hour): got %v", got)
	}
}

func TestDelayHonoursRetryAfter(t *testing.T) {
	for failures := 1; failures < 100; failures++ {
		err := &StatusError{Status: 503, RetryAfter: 4 * time.Second}
		if got := Delay(err, failures); got < 4*time.Second || got > 2*longestDelay {
			t.Errorf("delay after %d failures: got %v", failures, got)
		}
	}
}
