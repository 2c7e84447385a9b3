package measurement

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const workLog = `2026-11-29 some library: hello
{"time":"2026-11-29T12:00:01.5Z","level":"INFO","msg":"ready","model":"atelier"}
{"time":"2026-11-29T12:00:02.5Z","level":"INFO","msg":"succeeded","job":"a","took_ms":500,"queue_wait_ms":3,"read_ms":10,"decode_ms":40,"stylize_ms":300,"encode_ms":50,"write_ms":70,"cold_start":true}
{"time":"2026-11-29T12:00:03Z","level":"WARN","msg":"failed","job":"b","code":"too_large","took_ms":5}
`

func TestWorkLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "worker.log")
	if err := os.WriteFile(path, []byte(workLog), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := attempts(path, filepath.Join(t.TempDir(), "not written yet.log"))
	if err != nil || len(all) != 2 {
		t.Fatalf("got %v, %v", all, err)
	}
	var good, bad Job
	all["a"].fill(&good)
	all["b"].fill(&bad)
	for name, c := range map[string][2]float64{
		"handler": {good.Handler, 0.5}, "read": {good.Read, 0.01}, "decode, without reading": {good.Decode, 0.03},
		"paint": {good.Paint, 0.3}, "encode": {good.Encode, 0.05}, "write": {good.Write, 0.07},
	} {
		if math.Abs(c[0]-c[1]) > 1e-9 {
			t.Errorf("%s: got %v, want %v", name, c[0], c[1])
		}
	}
	if want := time.Date(2026, 11, 29, 12, 0, 2, 0, time.UTC); !all["a"].began().Equal(want) || bad.Failed != "too_large" || !all["a"].Cold {
		t.Errorf("got %v, %+v", all["a"].began(), bad)
	}
}

// A worker logs a job's end a moment after the job has ended.
func TestLateLog(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(dir, "worker.log")
		go func() {
			time.Sleep(logTime / 2) // of the bubble's clock
			if err := os.WriteFile(path, []byte(workLog), 0o600); err != nil {
				t.Error(err)
			}
		}()
		if all, err := attemptsOf(t.Context(), []string{"a"}, path); err != nil || all["a"].Msg != "succeeded" {
			t.Errorf("got %v, %v", all, err)
		}
		if _, err := attemptsOf(t.Context(), []string{"a", "c"}, path); err == nil || !strings.Contains(err.Error(), "the end of job c") {
			t.Errorf("got %v", err)
		}
	})
}
