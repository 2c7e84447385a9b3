package main_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/scripts/apitest"
)

// submitAndPoll submits a picture with the submitter, which polls until it is painted.
func submitAndPoll(d *demo, worker string) {
	in := filepath.Join(d.TempDir(), "in.jpg")
	if err := os.WriteFile(in, apitest.Stripes(d.T, 320, 240), 0o600); err != nil {
		d.Fatal(err)
	}
	j, result := d.submitFile(in, "--wait")
	if j.Receipt == nil || j.Receipt.Worker != worker {
		d.Errorf("%+v, receipt %+v", j, j.Receipt)
	}
	if img, err := jpeg.Decode(bytes.NewReader(result)); err != nil || img.Bounds().Dx() != 320 {
		d.Errorf("the file: %v", err)
	}
}

// submitFile submits a file with the submitter, and returns the job and the file that the submitter
// writes, which must be the result.
func (d *demo) submitFile(path string, args ...string) (j job.Job, result []byte) {
	d.Helper()
	out := filepath.Join(d.TempDir(), "out.jpg")
	output := d.submitter(append([]string{"submit", path, "--style", "night-swirls", "-o", out, "--json", "--timeout", "1m"}, args...)...)
	if err := json.Unmarshal(output, &j); err != nil || j.State != job.Succeeded {
		d.Fatalf("submitter: %v: %s", err, output)
	}
	result, err := os.ReadFile(out)
	if err != nil {
		d.Fatal(err)
	}
	if sum := sha256.Sum256(result); hex.EncodeToString(sum[:]) != j.Result.SHA256 {
		d.Errorf("the file is not the result: %+v", j.Result)
	}
	return j, result
}

func TestUseSubmitAndPollThroughServers(t *testing.T) {
	d := start(t, "server")
	submitAndPoll(d, "daemon")
	d.end(os.Interrupt)
}
