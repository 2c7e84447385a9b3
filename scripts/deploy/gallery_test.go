package deploy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
)

// Pictures come with the content type of their ending, which DataSync does not keep; nothing
// else gets one.
func TestPictureType(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("there is no node: sudo apt-get install nodejs")
	}
	type headers map[string]map[string]string
	code := fmt.Sprint(readTemplate(t).resources["PictureType"].at("FunctionCode"))
	answer := func(uri string, status int) (got struct {
		StatusCode int
		Headers    headers
	}) {
		event, err := json.Marshal(map[string]any{
			"request":  map[string]any{"uri": uri},
			"response": map[string]any{"statusCode": status, "headers": headers{"content-type": {"value": "binary/octet-stream"}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), node, "-e", code+"\nconsole.log(JSON.stringify(handler("+string(event)+")))") //nolint:gosec // from the PATH
		out, err := cmd.Output()
		if err == nil {
			err = json.NewDecoder(bytes.NewReader(out)).Decode(&got)
		}
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	const other = "binary/octet-stream"
	want := map[string]string{"/pictures/public/a.html": other, "/pictures/public/jpeg": other, "/pictures/public/a.svg": other, "/pictures/a.constructor": other}
	for _, format := range job.OutputFormats {
		want["/pictures/public/2026/01/02/03/a."+format] = "image/" + format
	}
	for uri, kind := range want {
		if got := answer(uri, 200); got.Headers["content-type"]["value"] != kind || got.StatusCode != 200 {
			t.Errorf("%s: %v, want %s", uri, got, kind)
		}
	}
	if got := answer("/pictures/public/a.png", 404); got.Headers["content-type"]["value"] != other {
		t.Errorf("an error: %v", got)
	}
}
