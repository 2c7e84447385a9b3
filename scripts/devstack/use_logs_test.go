package main_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/atelier-go/atelier/pkg/cloudwatch/cloudwatchtest"
	"github.com/atelier-go/atelier/scripts/apitest"
)

// testLogs: the id of the request that submits a job is in the response, in the API's log and,
// through the queue and its mapping, in the worker's log; both functions write metrics.
func testLogs(d *demo) {
	contentType, body := form(d.T, apitest.Stripes(d.T, 320, 240))
	a := d.Ask(http.MethodPost, "/v1/jobs", bytes.NewReader(body), "Content-Type", contentType)
	j := d.painted(d.Decode(a, http.StatusAccepted).ID)
	request := a.Header.Get("X-Request-Id")
	if request == "" {
		d.Errorf("there is no X-Request-Id: %v", a.Header)
	}
	for function, c := range map[string]struct{ msg, metric string }{
		"api-lambda": {"submitted", "Submissions"}, "worker-lambda": {"succeeded", "JobsSucceeded"},
	} {
		var log string
		waitFor(d.T, func() bool { // the picture is ready before its log line
			b, err := os.ReadFile(filepath.Join(d.dir, "logs", function+".log"))
			if err != nil {
				d.Fatal(err)
			}
			log = string(b)
			for line := range strings.Lines(log) {
				var output struct{ Msg, Job, Request string }
				if json.Unmarshal([]byte(line), &output) == nil && output.Msg == c.msg && output.Job == string(j.ID) {
					if output.Request != request {
						d.Errorf("%s has logged %s, want the request %q", function, line, request)
					}
					return true
				}
			}
			return false
		})
		if sum, _ := cloudwatchtest.Total(cloudwatchtest.Lines(d.T, log), c.metric); sum < 1 {
			d.Errorf("%s has not written %s", function, c.metric)
		}
	}
}
