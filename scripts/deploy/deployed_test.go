package deploy_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/gallery"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/scripts/deploy/deploytest"
	"github.com/atelier-go/atelier/scripts/devstack/datasync"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
)

// A deployment is the template's stack in MiniStack, made by the commands of this folder.
type deployment struct {
	*testing.T
	root     *testing.T // what is served ends with it
	locked   ministack.Locked
	cfg      aws.Config
	dir      string // the shared directory: MiniStack's functions see no EFS
	template string
	archives string
	copies   *datasync.Task
	deployed chan struct{}          // closed when there is a bucket to copy to
	function atomic.Pointer[string] // maintenance, for the events of copies
	key      string
	outputs  map[string]string
	api      string // proxies, since MiniStack's addresses have names that don't resolve
	gallery  string
}

// The commands deploy the archives, a job goes from the API to the gallery, and all can be
// taken down and put up again.
func TestDeployment(t *testing.T) {
	d := newDeployment(t)
	on := func(name string, f func(d *deployment)) {
		if !t.Failed() {
			t.Run(name, func(t *testing.T) { d.T = t; f(d) })
		}
	}
	on("up", (*deployment).testUp)
	on("up again changes nothing", (*deployment).testUpAgain)
	on("status", (*deployment).testStatus)
	on("verify", (*deployment).testVerify)
	on("redrive", (*deployment).testRedrive)
	on("dead letters", (*deployment).testDeadLetters)
	on("logs", (*deployment).testLogs)
	on("down and up", (*deployment).testDownAndUp)
	on("down with the data", (*deployment).testDownWithData)
}

// archivesVariable names a folder with what scripts/deploy/build makes, built already.
const archivesVariable = "ATELIER_TEST_ARCHIVES"

func newDeployment(t *testing.T) *deployment {
	t.Helper()
	d := &deployment{T: t, root: t, dir: t.TempDir(), archives: os.Getenv(archivesVariable), deployed: make(chan struct{})}
	d.locked = ministacktest.StartForTemplate(t)
	for _, name := range []string{"ATELIER_AWSCLI", "ATELIER_ROOT", "ATELIER_SAMPLES"} {
		if os.Getenv(name) == "" {
			const missing = `not set up: run scripts/setup --tests, then eval "$(scripts/env)"`
			if os.Getenv("CI") != "" {
				t.Fatal(missing)
			}
			t.Skip(missing)
		}
	}
	var err error
	if d.cfg, err = d.locked.Config(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d.archives == "" {
		d.archives = t.TempDir()
		d.must("build", "--out", d.archives, "api-lambda.zip", "maintenance-lambda.zip", "worker-lambda-onnx.zip")
	}

	d.copies = &datasync.Task{From: filepath.Join(d.dir, "published"), Prefix: gallery.Pictures, CacheControl: gallery.CacheControl}
	service := datasync.NewService(d.copies, func(datasync.Report) {}, d.copied)
	service.Before = func(ctx context.Context) error {
		select {
		case <-d.deployed:
		case <-ctx.Done():
		}
		return ctx.Err()
	}
	t.Cleanup(service.Close)
	address, err := service.Listen()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	reduced, err := deploytest.Reduction{
		Without: deploytest.Lacking, Lists: deploytest.LackingLists, PlainHTTP: true,
		References: map[string]string{"AWS::DataSync::Task": service.Reset()},
		Environment: map[string]string{
			"ATELIER_DIR": d.dir, "ATELIER_MODEL": filepath.Join(os.Getenv("ATELIER_ROOT"), "model", "atelier"),
			"AWS_ENDPOINT_URL": d.locked.Endpoint, "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
			"AWS_ENDPOINT_URL_DATASYNC": address, "AWS_USE_DUALSTACK_ENDPOINT": "",
		},
	}.Apply(text)
	if err != nil {
		t.Fatal(err)
	}
	d.template = filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(d.template, reduced, 0o600); err != nil {
		t.Fatal(err)
	}
	return d
}

// copied passes the event of an execution's end on, as EventBridge does.
func (d *deployment) copied(ctx context.Context, e datasync.Event) error {
	payload, err := json.Marshal(e)
	if err != nil {
		return err
	}
	out, err := lambda.NewFromConfig(d.cfg).Invoke(ctx, &lambda.InvokeInput{FunctionName: d.function.Load(), Payload: payload})
	if err == nil && out.FunctionError != nil {
		err = errors.New(string(out.Payload))
	}
	return err
}

// command runs a command of this folder against MiniStack, and returns what it prints on both
// outputs.
func (d *deployment) command(stdin, name string, args ...string) (stdout, stderr string, err error) {
	d.Helper()
	cmd := exec.CommandContext(d.Context(), "./"+name, args...)
	cmd.Env = append(d.locked.Environ(), "PATH="+os.Getenv("ATELIER_AWSCLI")+string(filepath.ListSeparator)+os.Getenv("PATH"))
	cmd.Stdin = strings.NewReader(stdin)
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	err = cmd.Run()
	d.Logf("%s %q: %v\n%s%s", name, args, err, log.Bytes(), out.Bytes())
	return out.String(), log.String(), err
}

func (d *deployment) must(name string, args ...string) (stdout, stderr string) {
	d.Helper()
	stdout, stderr, err := d.command("", name, args...)
	if err != nil {
		d.Fatal(err)
	}
	return stdout, stderr
}

// up deploys, and reads what the stack tells of itself.
func (d *deployment) up() (stderr string) {
	d.Helper()
	_, stderr = d.must("up", "--yes", "--template", d.template, "--artifacts", d.archives, "--set", "MaximumConcurrency=2")
	d.outputs = d.readOutputs()
	function := d.outputs["MaintenanceFunctionName"]
	d.function.Store(&function)
	if d.copies.To == nil {
		d.copies.To = bucket.New(d.cfg, d.outputs["BucketName"])
		close(d.deployed)
	}
	d.api, d.gallery = d.serveAPI(), d.serveGallery()
	return stderr
}

var shownKey = regexp.MustCompile(`the key, shown this once: (\S+)`)

func (d *deployment) testUp() {
	found := shownKey.FindStringSubmatch(d.up())
	if found == nil {
		d.Fatal("no API key was shown")
	}
	d.key = found[1]
	if r := d.ask(http.MethodGet, "/v1/jobs", nil); r.StatusCode != http.StatusOK {
		d.Errorf("with the key: %s", r.Status)
	}
	for _, file := range []string{"index.html", "gallery/index.json"} {
		body, _, err := d.copies.To.Get(d.Context(), file)
		if err != nil {
			d.Errorf("%s of the gallery: %v", file, err)
			continue
		}
		body.Close()
	}
}

func (d *deployment) testUpAgain() {
	before := d.outputs
	if found := shownKey.FindString(d.up()); found != "" {
		d.Error("there is another first key")
	}
	if !maps.Equal(before, d.outputs) {
		d.Errorf("it was %v, is %v", before, d.outputs)
	}
}

func (d *deployment) testStatus() {
	out, _ := d.must("status")
	for _, want := range []string{"COMPLETE", "serverless, onnx", d.outputs["ApiUrl"], "0 waiting, 0 in work, 0 in the dead-letter queue", "mapping Enabled, at most 2 workers"} {
		if !strings.Contains(out, want) {
			d.Errorf("there is no %q", want)
		}
	}
}

func (d *deployment) testVerify() {
	out, _ := d.must("verify", "--yes", "--key-file", d.keyFile(), "--api", d.api, "--gallery", d.gallery,
		filepath.Join(os.Getenv("ATELIER_SAMPLES"), "chelsea.png"))
	if strings.Contains(out, "missing") || strings.Contains(out, "failed") {
		d.Error("something is missing")
	}
	if strings.Count(out, "a rename replaces a file that is open") != 1 {
		d.Error("the file system was not tried out")
	}
}

// testRedrive has a job fail of a picture that can't be decoded, and runs it again.
func (d *deployment) testRedrive() {
	id := d.submit(undecodable())
	if j := d.ended(id); j.State != job.Failed || j.Run != 1 {
		d.Fatalf("%+v", j)
	}
	d.must("redrive", "--yes", "--key-file", d.keyFile(), "--api", d.api)
	var j job.Job
	d.waitFor("the second run's end", func() bool { j = d.read(id); return j.Run == 2 && j.State.Finished() })
	if j.State != job.Failed {
		d.Errorf("%+v", j)
	}
}

// undecodable is a PNG whose pixels are no compressed data, which only decoding finds out.
func undecodable() []byte {
	b := []byte("\x89PNG\r\n\x1a\n")
	for _, chunk := range []struct{ kind, data string }{
		{"IHDR", "\x00\x00\x00\x40\x00\x00\x00\x40\x08\x02\x00\x00\x00"}, // 64 x 64, RGB
		{"IDAT", "these are no pixels"},
		{"IEND", ""},
	} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(chunk.data))) //nolint:gosec // a few bytes
		b = append(b, chunk.kind+chunk.data...)
		b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE([]byte(chunk.kind+chunk.data)))
	}
	return b
}

// testDeadLetters: a message that nobody can read goes to the dead-letter queue after ten
// receipts, and a job's message that is there comes back.
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
	id := d.submit(d.photograph())
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

// enable switches the mapping from the queue to the worker.
func (d *deployment) enable(on bool) {
	d.Helper()
	if _, err := lambda.NewFromConfig(d.cfg).UpdateEventSourceMapping(d.Context(), &lambda.UpdateEventSourceMappingInput{UUID: aws.String(d.outputs["WorkerMappingId"]), Enabled: &on}); err != nil {
		d.Fatal(err)
	}
}

func (d *deployment) testLogs() {
	if out, _ := d.must("logs", "worker", "maintenance"); !strings.Contains(out, "worker\t") || !strings.Contains(out, "maintenance\t") {
		d.Error("there are no lines of the functions")
	}
	id := d.submit(d.photograph())
	d.ended(id)
	d.waitFor("the worker's line of the job", func() bool {
		out, _ := d.must("logs", "worker", "--job", string(id))
		return strings.Contains(out, string(id)) && !strings.Contains(out, "START RequestId")
	})
}

func (d *deployment) testDownAndUp() {
	id := d.submit(d.photograph())
	before := d.ended(id)
	d.enable(false)
	waiting := d.submit(d.photograph()) // its message goes with the queue
	data := []string{d.outputs["BucketName"], d.outputs["FileSystemId"]}
	d.must("down", "--yes")
	if left := d.left(); !slices.Equal(left, []string{"bucket atelier-artifacts-" + ministack.Account + "-" + ministack.Region, "bucket " + data[0], "file system " + data[1]}) {
		d.Errorf("left are %q", left)
	}
	if _, _, err := d.command("", "status"); err == nil {
		d.Error("there is a status without a stack")
	}
	if shownKey.MatchString(d.up()) {
		d.Error("there is another first key")
	}
	if got := []string{d.outputs["BucketName"], d.outputs["FileSystemId"]}; !slices.Equal(got, data) {
		d.Errorf("the data are %q, were %q", got, data)
	}
	if after := d.read(id); after.State != job.Succeeded || after.Result == nil || after.Result.SHA256 != before.Result.SHA256 {
		d.Errorf("the job was %+v, is %+v", before, after)
	}
	if j := d.ended(waiting); j.State != job.Succeeded {
		d.Errorf("the job that waited: %+v", j)
	}
}

func (d *deployment) testDownWithData() {
	if _, _, err := d.command("no\n", "down", "--data", "--yes"); err == nil {
		d.Fatal("it began without the stack's name")
	}
	if _, _, err := d.command("atelier\n", "down", "--data", "--yes"); err != nil {
		d.Fatal(err)
	}
	if left := d.left(); len(left) > 0 {
		d.Errorf("left are %q", left)
	}
}

// aws runs the AWS command line, and returns the words that it prints.
func (d *deployment) aws(args ...string) []string {
	d.Helper()
	cmd := exec.CommandContext(d.Context(), filepath.Join(os.Getenv("ATELIER_AWSCLI"), "aws"), append(args, "--output", "text")...)
	cmd.Env = append(d.locked.Environ(), "AWS_PAGER=", "AWS_DEFAULT_REGION="+ministack.Region)
	var problem bytes.Buffer
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		d.Fatalf("aws %q: %v: %s", args, err, problem.Bytes())
	}
	words := strings.Fields(string(out))
	return slices.DeleteFunc(words, func(w string) bool { return w == "None" })
}

func (d *deployment) readOutputs() map[string]string {
	d.Helper()
	words := d.aws("cloudformation", "describe-stacks", "--stack-name", "atelier", "--query", "Stacks[0].Outputs[].[OutputKey,OutputValue]")
	outputs := map[string]string{}
	for pair := range slices.Chunk(words, 2) {
		outputs[pair[0]] = pair[1]
	}
	return outputs
}

// left is what costs something, or holds data, in the whole of MiniStack.
func (d *deployment) left() []string {
	d.Helper()
	var all []string
	for _, of := range []struct {
		what string
		args []string
	}{
		{"bucket", []string{"s3api", "list-buckets", "--query", "Buckets[].Name"}},
		{"file system", []string{"efs", "describe-file-systems", "--query", "FileSystems[].FileSystemId"}},
		{"function", []string{"lambda", "list-functions", "--query", "Functions[].FunctionName"}},
		{"queue", []string{"sqs", "list-queues", "--query", "QueueUrls[]", "--endpoint-url", d.locked.Endpoint}},
		{"log group", []string{"logs", "describe-log-groups", "--query", "logGroups[].logGroupName"}},
		{"role", []string{"iam", "list-roles", "--query", "Roles[].RoleName"}},
		{"API", []string{"apigatewayv2", "get-apis", "--query", "Items[].ApiId"}},
		{"distribution", []string{"cloudfront", "list-distributions", "--query", "DistributionList.Items[].Id"}},
		{"alarm", []string{"cloudwatch", "describe-alarms", "--query", "MetricAlarms[].AlarmName"}},
		{"schedule", []string{"scheduler", "list-schedules", "--query", "Schedules[].Name"}},
		{"parameter", []string{"ssm", "describe-parameters", "--query", "Parameters[].Name"}},
	} {
		for _, name := range d.aws(of.args...) {
			all = append(all, of.what+" "+name)
		}
	}
	return all
}

// ended waits until a job has ended.
func (d *deployment) ended(id job.ID) (j job.Job) {
	d.Helper()
	d.waitFor("the job's end", func() bool { j = d.read(id); return j.State.Finished() })
	return j
}

func (d *deployment) read(id job.ID) (j job.Job) {
	d.Helper()
	r := d.ask(http.MethodGet, "/v1/jobs/"+string(id), nil)
	if err := json.Unmarshal(r.body, &j); err != nil || r.StatusCode != http.StatusOK {
		d.Fatalf("%s: %s", r.Status, r.body)
	}
	return j
}

func (d *deployment) photograph() []byte {
	d.Helper()
	b, err := os.ReadFile(filepath.Join(os.Getenv("ATELIER_SAMPLES"), "chelsea.png"))
	if err != nil {
		d.Fatal(err)
	}
	return b
}

// submit submits a picture, with further fields of the form: a name and a value each.
func (d *deployment) submit(picture []byte, fields ...string) job.ID {
	d.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	part, err := form.CreateFormFile("image", "picture.png")
	if err == nil {
		_, err = part.Write(picture)
	}
	for i := 0; i < len(fields); i += 2 {
		err = errors.Join(err, form.WriteField(fields[i], fields[i+1]))
	}
	if err = errors.Join(err, form.WriteField("style", "watercolour"), form.Close()); err != nil {
		d.Fatal(err)
	}
	r := d.ask(http.MethodPost, "/v1/jobs", &b, "Content-Type", form.FormDataContentType())
	var j job.Job
	if err := json.Unmarshal(r.body, &j); err != nil || r.StatusCode != http.StatusAccepted {
		d.Fatalf("%s: %s", r.Status, r.body)
	}
	return j.ID
}

type response struct {
	*http.Response
	body []byte
}

func (d *deployment) ask(method, path string, body io.Reader, headers ...string) response {
	d.Helper()
	req, err := http.NewRequestWithContext(d.Context(), method, d.api+path, body)
	if err != nil {
		d.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.key)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		d.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		d.Fatal(err)
	}
	return response{r, b}
}

func (d *deployment) keyFile() string {
	d.Helper()
	file := filepath.Join(d.TempDir(), "key")
	if err := os.WriteFile(file, []byte(d.key+"\n"), 0o600); err != nil {
		d.Fatal(err)
	}
	return file
}

func (d *deployment) waitFor(what string, done func() bool) {
	d.Helper()
	deadline := time.Now().Add(6 * time.Minute) // the sweeper sends again what is lost after three minutes
	for !done() {
		if time.Now().After(deadline) {
			d.Fatalf("%s did not come", what)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// serveAPI is the HTTP API of the stack at an address of this machine.
func (d *deployment) serveAPI() string {
	d.Helper()
	id, _, _ := strings.Cut(strings.TrimPrefix(d.outputs["ApiUrl"], "https://"), ".")
	at, err := url.Parse(d.locked.HTTPAPI(id))
	if err != nil {
		d.Fatal(err)
	}
	return d.serve(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(at)
		r.Out.Host = r.In.Host
	}})
}

// serveGallery shows of the bucket what CloudFront may read.
func (d *deployment) serveGallery() string {
	d.Helper()
	objects := d.copies.To
	return d.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := strings.TrimPrefix(r.URL.Path, "/")
		body, _, err := objects.Get(r.Context(), key)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		defer body.Close()
		if strings.HasPrefix(key, "keys/") || strings.HasPrefix(key, "pictures/private/") {
			http.Error(w, "not what CloudFront may read", http.StatusForbidden)
			return
		}
		_, _ = io.Copy(w, body) // the client went away
	}))
}

func (d *deployment) serve(h http.Handler) string {
	s := httptest.NewServer(h)
	d.root.Cleanup(s.Close)
	return s.URL
}
