package main_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/scripts/apitest"
)

// submitAndPoll submits a picture with the submitter, which polls until it is painted, and checks
// that the file that it writes is the result.
func submitAndPoll(d *demo, worker string) {
	dir := d.TempDir()
	in, out := filepath.Join(dir, "in.jpg"), filepath.Join(dir, "out.jpg")
	if err := os.WriteFile(in, apitest.Stripes(d.T, 320, 240), 0o600); err != nil {
		d.Fatal(err)
	}
	output, err := exec.CommandContext(d.Context(), filepath.Join(bin, "submitter"), "submit", in, "--api", d.Base,
		"--style", "night-swirls", "--wait", "-o", out, "--json", "--timeout", "1m").Output()
	if err != nil {
		d.Fatalf("submitter: %v\n%s", err, output)
	}
	var j job.Job
	if err := json.Unmarshal(output, &j); err != nil || j.State != job.Succeeded || j.Receipt == nil || j.Receipt.Worker != worker {
		d.Fatalf("%v: %s", err, output)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		d.Fatal(err)
	}
	if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != j.Result.SHA256 {
		d.Errorf("the file is not the result: %+v", j.Result)
	}
	if img, err := jpeg.Decode(bytes.NewReader(b)); err != nil || img.Bounds().Dx() != 320 {
		d.Errorf("the file: %v", err)
	}
}

func TestUseSubmitAndPollThroughServers(t *testing.T) {
	d := start(t, "server")
	submitAndPoll(d, "daemon")
	d.end(os.Interrupt)
}
