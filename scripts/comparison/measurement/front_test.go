package measurement

import (
	"net/http"
	"testing"
)

func TestTiming(t *testing.T) {
	const header = "decode;dur=1.500, paint;dur=20.250, total;dur=30"
	for metric, want := range map[string]float64{"decode": 0.0015, "paint": 0.02025, "total": 0.03} {
		if got, err := timing(header, metric); err != nil || !near(got, want) {
			t.Errorf("%s: got %v, %v, want %v", metric, got, err, want)
		}
	}
	for _, bad := range []string{"", "paint;dur=1", "encode;dur=fast"} {
		if _, err := timing(bad, "encode"); err == nil {
			t.Errorf("%q: got no error", bad)
		}
	}
}

// A server that does not report its times is an error, instead of a handler that takes no time.
func TestFlaskWithoutTimes(t *testing.T) {
	if _, err := new(flask).collect(t.Context(), []response{{header: http.Header{}}}); err == nil {
		t.Error("got no error")
	}
}
