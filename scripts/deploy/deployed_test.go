package deploy_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
)

// The commands deploy the archives, a job gets from the API to the gallery, and everything can be
// deleted and deployed again.
func TestDeployment(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	d.on("up", (*deployment).testUp)
	d.on("up again changes nothing", (*deployment).testUpAgain)
	d.on("another key", (*deployment).testAnotherKey)
	d.on("keys need their permission", (*deployment).testKeysPermission)
	d.on("status", (*deployment).testStatus)
	d.on("verify", (*deployment).testVerify)
	d.on("redrive", (*deployment).testRedrive)
	d.on("dead letters", (*deployment).testDeadLetters)
	d.on("logs", (*deployment).testLogs)
	d.on("down and up", (*deployment).testDownAndUp)
	d.on("down with the data", (*deployment).testDownWithData)
}

func (d *deployment) testUp() {
	d.upFirst()
	if r := d.Ask(http.MethodGet, "/v1/jobs", nil); r.StatusCode != http.StatusOK {
		d.Errorf("with the key: %s", r.Status)
	}
	for _, file := range []string{"index.html", "gallery/index.json"} {
		body, _, err := d.pictures.Load().Get(d.Context(), file)
		if err != nil {
			d.Errorf("%s of the gallery: %v", file, err)
			continue
		}
		body.Close()
	}
}

func (d *deployment) testUpAgain() {
	before := d.outputs
	d.upAgain()
	if !maps.Equal(before, d.outputs) {
		d.Errorf("the outputs were %v, are %v", before, d.outputs)
	}
}

// testAnotherKey adds a key and removes the first one, as the guide describes.
func (d *deployment) testAnotherKey() {
	place, file := d.outputs["KeysLocation"], filepath.Join(d.TempDir(), "api-keys")
	d.aws("s3", "cp", place, file)
	first, err := os.ReadFile(file)
	if err != nil {
		d.Fatal(err)
	}
	var shown bytes.Buffer
	keygen := exec.CommandContext(d.Context(), filepath.Join(os.Getenv("ATELIER_ROOT"), "bin", "api-server"), "keygen", "--owner", "anna", "--scopes", "submit,read,admin")
	keygen.Stderr = &shown
	second, err := keygen.Output()
	if err != nil {
		d.Fatalf("%v: %s", err, shown.Bytes())
	}
	store := func(lines []byte) {
		d.Helper()
		if err := os.WriteFile(file, lines, 0o600); err != nil {
			d.Fatal(err)
		}
		d.aws("s3", "cp", file, place)
	}
	status := func() int { return d.Ask(http.MethodGet, "/v1/jobs", nil).StatusCode }

	old := d.Key
	store(append(first, second...))
	d.Key = shownKey.FindStringSubmatch(shown.String())[1]
	d.waitFor("the new key", func() bool { return status() == http.StatusOK })
	store(second)
	d.Key, old = old, d.Key
	d.waitFor("the end of the first key", func() bool { return status() == http.StatusUnauthorized })
	d.Key = old
}

// testKeysPermission removes a permission that TestPermissionsAreNeeded can't, because its keys are
// in a parameter.
func (d *deployment) testKeysPermission() {
	g := withPolicies(d)
	keys, ok := g.permissions()["ApiRole s3:GetObject bucket/keys/api-keys"]
	if !ok {
		d.Fatal("the API may not read its keys")
	}
	status := func() int { g.renew(); return d.Ask(http.MethodGet, "/v1/jobs", nil).StatusCode }
	back := g.take(keys)
	if got := status(); got != http.StatusServiceUnavailable {
		d.Errorf("without its permission: %d", got)
	}
	back()
	if got := status(); got != http.StatusOK {
		d.Errorf("with its permission: %d", got)
	}
}

func (d *deployment) testStatus() {
	out, _ := d.must("status")
	for _, want := range []string{"COMPLETE", "serverless, onnx", d.outputs["ApiUrl"], "0 waiting, 0 running, 0 in the dead-letter queue", "mapping Enabled, at most 2 workers"} {
		if !strings.Contains(out, want) {
			d.Errorf("the status lacks %q", want)
		}
	}
}

func (d *deployment) testVerify() {
	out, _ := d.must("verify", "--yes", "--key-file", d.keyFile(), "--api", d.Base, "--gallery", d.gallery,
		filepath.Join(os.Getenv("ATELIER_SAMPLES"), "chelsea.png"))
	if strings.Contains(out, "missing") || strings.Contains(out, "failed") {
		d.Error("something is missing")
	}
	if strings.Count(out, "a rename replaces a file that is open") != 1 {
		d.Error("the file system was not tested")
	}
	if strings.Count(out, "of two links to one name by two clients one succeeds") != 1 || strings.Count(out, "  environment ") != 2 {
		d.Error("the file system was not tested by two executions")
	}
	if !strings.Contains(out, "NOT known to be two NFS clients: they have the same boot id and mount") { // MiniStack's functions are processes here
		d.Error("verify does not report that there was only one client")
	}
}

// testRedrive makes a job fail with a picture that can't be decoded, and runs it again.
func (d *deployment) testRedrive() {
	id := d.Submit(undecodable())
	if j := d.ended(id); j.State != job.Failed || j.Run != 1 {
		d.Fatalf("%+v", j)
	}
	d.must("redrive", "--yes", "--key-file", d.keyFile(), "--api", d.Base)
	var j job.Job
	d.waitFor("the second run's end", func() bool { j = d.Read(id); return j.Run == 2 && j.State.Finished() })
	if j.State != job.Failed {
		d.Errorf("%+v", j)
	}
}

// undecodable returns a PNG whose pixels are not compressed data, which only decoding detects.
func undecodable() []byte {
	b := []byte("\x89PNG\r\n\x1a\n")
	for _, chunk := range []struct{ kind, data string }{
		{"IHDR", "\x00\x00\x00\x40\x00\x00\x00\x40\x08\x02\x00\x00\x00"}, // 64 x 64, RGB
		{"IDAT", "these are not pixels"},
		{"IEND", ""},
	} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(chunk.data))) //nolint:gosec // a few bytes
		b = append(b, chunk.kind+chunk.data...)
		b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE([]byte(chunk.kind+chunk.data)))
	}
	return b
}

// testDeadLetters: an unreadable message moves to the dead-letter queue after ten receives, and a
// job's message in that queue is sent back.
func (d *deployment) testDeadLetters() {
	queues := sqs.NewFromConfig(d.cfg)
	send := func(queue, body string) {
		d.Helper()
		if _, err := queues.SendMessage(d.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(d.outputs[queue]), MessageBody: &body}); err != nil {
			d.Fatal(err)
		}
	}
	count := func(queue string) string {
		d.Helper()
		out, err := queues.GetQueueAttributes(d.Context(), &sqs.GetQueueAttributesInput{QueueUrl: aws.String(d.outputs[queue]), AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameApproximateNumberOfMessages}})
		if err != nil {
			d.Fatal(err)
		}
		return out.Attributes["ApproximateNumberOfMessages"]
	}
	send("QueueUrl", "poison")
	d.waitFor("the message in the dead-letter queue", func() bool { return count("DeadLettersUrl") == "1" })

	d.enable(false)
	id := d.Submit(d.photograph())
	var body string
	d.waitFor("the job's message", func() bool {
		out, err := queues.ReceiveMessage(d.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(d.outputs["QueueUrl"]), WaitTimeSeconds: 1})
		if err != nil {
			d.Fatal(err)
		}
		for _, m := range out.Messages {
			body = aws.ToString(m.Body)
			if _, err := queues.DeleteMessage(d.Context(), &sqs.DeleteMessageInput{QueueUrl: aws.String(d.outputs["QueueUrl"]), ReceiptHandle: m.ReceiptHandle}); err != nil {
				d.Fatal(err)
			}
		}
		return strings.Contains(body, string(id))
	})
	send("DeadLettersUrl", body)
	if _, log := d.must("redrive", "--yes", "--dead-letters"); !strings.Contains(log, "messages were sent back") || count("DeadLettersUrl") != "0" {
		d.Errorf("%s messages are left", count("DeadLettersUrl"))
	}
	d.enable(true)
	if j := d.ended(id); j.State != job.Succeeded {
		d.Errorf("%+v", j)
	}
	d.waitFor("the poison in the dead-letter queue again", func() bool { return count("DeadLettersUrl") == "1" })
}

func (d *deployment) testLogs() {
	if out, _ := d.must("logs", "worker", "maintenance"); !strings.Contains(out, "worker\t") || !strings.Contains(out, "maintenance\t") {
		d.Error("there are no lines from the functions")
	}
	id := d.Submit(d.photograph())
	d.ended(id)
	d.waitFor("the worker's line of the job", func() bool {
		out, _ := d.must("logs", "worker", "--job", string(id))
		return strings.Contains(out, string(id)) && !strings.Contains(out, "START RequestId")
	})
}

func (d *deployment) testDownAndUp() {
	id := d.Submit(d.photograph())
	before := d.ended(id)
	d.enable(false)
	waiting := d.Submit(d.photograph()) // its message is deleted with the queue
	data := []string{d.outputs["BucketName"], d.outputs["FileSystemId"]}
	d.must("down", "--yes")
	if left := d.left(); !slices.Equal(left, []string{"bucket atelier-artifacts-" + ministack.Account + "-" + ministack.Region, "bucket " + data[0], "file system " + data[1]}) {
		d.Errorf("got %q left, want the data", left)
	}
	if _, _, err := d.command("", "status"); err == nil {
		d.Error("status succeeded without a stack")
	}
	d.upAgain()
	if got := []string{d.outputs["BucketName"], d.outputs["FileSystemId"]}; !slices.Equal(got, data) {
		d.Errorf("the data are %q, were %q", got, data)
	}
	if after := d.Read(id); after.State != job.Succeeded || after.Result == nil || after.Result.SHA256 != before.Result.SHA256 {
		d.Errorf("the job was %+v, is %+v", before, after)
	}
	// The sweeper resends it after three sweeps; the schedule would take three minutes.
	var j job.Job
	d.waitFor("the job that waited", func() bool {
		d.sweep()
		j = d.Read(waiting)
		return j.State.Finished()
	})
	if j.State != job.Succeeded {
		d.Errorf("the job that waited: %+v", j)
	}
}

func (d *deployment) testDownWithData() {
	if _, _, err := d.command("no\n", "down", "--data", "--yes"); err == nil {
		d.Fatal("down deleted data without the stack's name")
	}
	if _, _, err := d.command("atelier\n", "down", "--data", "--yes"); err != nil {
		d.Fatal(err)
	}
	if left := d.left(); len(left) > 0 {
		d.Errorf("got %q left, want nothing", left)
	}
}
