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
)

// submitAndPoll is the first use: a picture goes in by the submitter, which polls
// until it is painted, and the file it writes is the result.
func submitAndPoll(d *demo, worker string) {
	dir := d.TempDir()
	in, out := filepath.Join(dir, "in.jpg"), filepath.Join(dir, "out.jpg")
	if err := os.WriteFile(in, photo(d.T, 320, 240), 0o600); err != nil {
		d.Fatal(err)
	}
	said, err := exec.CommandContext(d.Context(), filepath.Join(bin, "submitter"), "submit", in, "--api", d.base,
		"--style", "night-swirls", "--wait", "-o", out, "--json", "--timeout", "1m").Output()
	if err != nil {
		d.Fatalf("submitter: %v\n%s", err, said)
	}
	var j job.Job
	if err := json.Unmarshal(said, &j); err != nil || j.State != job.Succeeded || j.Receipt == nil || j.Receipt.Worker != worker {
		d.Fatalf("%v: %s", err, said)
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
