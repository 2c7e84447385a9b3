package deploy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
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

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/gallery"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/scripts/apitest"
	"github.com/atelier-go/atelier/scripts/deploy/deploytest"
	"github.com/atelier-go/atelier/scripts/devstack/datasync"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
	"github.com/atelier-go/atelier/scripts/setuptest"
)

// A deployment is the template's stack in MiniStack, made by the commands in this folder.
type deployment struct {
	apitest.Client            // of the API at a proxy, because the names in MiniStack's URLs don't resolve
	root           *testing.T // servers end with this test
	locked         ministack.Locked
	cfg            aws.Config
	dir            string // the shared directory, because MiniStack's functions have no EFS
	log            string // file with the logs of all functions
	template       string
	archives       string
	copies         *datasync.Task
	uncopied       atomic.Pointer[string]        // a job whose thumbnail can't be copied; nil: none
	deployed       chan struct{}                 // closed when the bucket for copies exists
	pictures       atomic.Pointer[bucket.Bucket] // the stack's bucket
	function       atomic.Pointer[string]        // the maintenance function, for the events of copies
	outputs        map[string]string
	gallery        string // URL of a proxy
}

func newDeployment(t *testing.T) *deployment {
	t.Helper()
	return newDeploymentOf(t, nil, nil)
}

// newDeploymentOf returns a deployment with additional variables of its functions, in which DIR is
// replaced by the shared directory. Its archives are those of the API, of maintenance and the given
// ones, built for it; nil means those of sharedArchives.
func newDeploymentOf(t *testing.T, archives []string, variables map[string]string) *deployment {
	t.Helper()
	d := &deployment{Client: apitest.Client{T: t}, root: t, dir: t.TempDir(), archives: os.Getenv(archivesVariable), deployed: make(chan struct{})}
	d.log = filepath.Join(t.TempDir(), "functions.log")
	d.locked = ministacktest.StartForTemplate(t)
	setuptest.Require(t, "--tests", "ATELIER_AWSCLI", "ATELIER_ROOT", "ATELIER_SAMPLES")
	var err error
	if d.cfg, err = d.locked.Config(t.Context()); err != nil {
		t.Fatal(err)
	}
	switch {
	case d.archives != "":
	case archives == nil:
		d.archives = sharedArchives(t)
	default:
		d.archives = t.TempDir()
		d.must("build", append([]string{"--out", d.archives, "api-lambda.zip", "maintenance-lambda.zip"}, archives...)...)
	}

	d.copies = &datasync.Task{From: filepath.Join(d.dir, "published"), Prefix: gallery.Pictures, CacheControl: gallery.CacheControl}
	d.copies.Fail = func(name string) error {
		if id := d.uncopied.Load(); id != nil && strings.HasPrefix(name, "thumbs/") && strings.Contains(name, *id) {
			return errors.New("a test lets it fail")
		}
		return nil
	}
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
	environment := map[string]string{
		"ATELIER_DIR": d.dir, "ATELIER_MODEL": filepath.Join(os.Getenv("ATELIER_ROOT"), "model", "atelier"),
		"AWS_ENDPOINT_URL": d.locked.Endpoint, "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
		"ATELIER_SWEEP_EVERY":       "1s",
		"ATELIER_LOG":               d.log,
		"AWS_ENDPOINT_URL_DATASYNC": address, "AWS_USE_DUALSTACK_ENDPOINT": "",
	}
	for name, value := range variables {
		environment[name] = strings.ReplaceAll(value, "DIR", d.dir)
	}
	reduced, err := deploytest.Reduction{
		Without: deploytest.Lacking, Lists: deploytest.LackingLists, PlainHTTP: true, Actions: deploytest.SeparateActions,
		References:  map[string]string{"AWS::DataSync::Task": service.Reset()},
		Environment: environment,
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

// copied delivers the event of an execution's end, like EventBridge.
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

// command runs a command of this folder against MiniStack, and returns its standard output and
// error.
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

// up deploys, and reads the stack's outputs.
func (d *deployment) up(args ...string) (stderr string) {
	d.Helper()
	_, stderr = d.must("up", append(args, "--yes", "--template", d.template, "--artifacts", d.archives, "--set", "MaximumConcurrency=2")...)
	d.outputs = d.readOutputs()
	function := d.outputs["MaintenanceFunctionName"]
	d.function.Store(&function)
	pictures := bucket.New(d.cfg, d.outputs["BucketName"])
	d.copies.Redirect(pictures)
	if d.pictures.Swap(pictures) == nil {
		close(d.deployed)
	}
	d.Base, d.gallery = d.serveAPI(), d.serveGallery()
	return stderr
}

// upFirst deploys for the first time, and uses the key that is shown.
func (d *deployment) upFirst(args ...string) {
	d.Helper()
	found := shownKey.FindStringSubmatch(d.up(args...))
	if found == nil {
		d.Fatal("no API key was shown")
	}
	d.Key = found[1]
}

// upAgain deploys again, which must not make another first key.
func (d *deployment) upAgain(args ...string) {
	d.Helper()
	if shownKey.MatchString(d.up(args...)) {
		d.Error("a second first key was made")
	}
}

// on runs a part of a test on the same deployment, unless an earlier part has failed.
func (d *deployment) on(name string, f func(d *deployment)) {
	d.root.Helper()
	if !d.root.Failed() {
		d.root.Run(name, func(t *testing.T) { d.T = t; f(d) })
	}
}

var shownKey = regexp.MustCompile(`the key, shown this once: (\S+)`)

// enable enables or disables the mapping from the queue to the worker.
func (d *deployment) enable(on bool) {
	d.Helper()
	if _, err := lambda.NewFromConfig(d.cfg).UpdateEventSourceMapping(d.Context(), &lambda.UpdateEventSourceMappingInput{UUID: aws.String(d.outputs["WorkerMappingId"]), Enabled: &on}); err != nil {
		d.Fatal(err)
	}
}

func (d *deployment) sweep() {
	d.Helper()
	out, err := lambda.NewFromConfig(d.cfg).Invoke(d.Context(), &lambda.InvokeInput{FunctionName: d.function.Load(), Payload: []byte(`{"task":"sweep"}`)})
	if err != nil || out.FunctionError != nil {
		d.Fatalf("%v: %s", err, out.Payload)
	}
}

// aws runs the AWS command line, and returns the words of its output.
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

// left returns everything in MiniStack that costs something or has data.
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
		// Log groups are not included, because MiniStack makes one again if an invocation ends
		// after its deletion.
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
	d.waitFor("the job's end", func() bool { j = d.Read(id); return j.State.Finished() })
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

func (d *deployment) keyFile() string {
	d.Helper()
	file := filepath.Join(d.TempDir(), "key")
	if err := os.WriteFile(file, []byte(d.Key+"\n"), 0o600); err != nil {
		d.Fatal(err)
	}
	return file
}

func (d *deployment) waitFor(what string, done func() bool) {
	d.Helper()
	apitest.Wait(d.T, 200*time.Millisecond, 3*time.Minute, done, func() string { return what })
}

// serveAPI serves the stack's HTTP API at a URL of this machine.
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

// serveGallery serves the objects of the bucket that CloudFront may read.
func (d *deployment) serveGallery() string {
	d.Helper()
	objects := d.pictures.Load()
	return d.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := strings.TrimPrefix(r.URL.Path, "/")
		body, _, err := objects.Get(r.Context(), key)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		defer body.Close()
		if strings.HasPrefix(key, "keys/") || strings.HasPrefix(key, "pictures/private/") {
			http.Error(w, "CloudFront may not read this", http.StatusForbidden)
			return
		}
		_, _ = io.Copy(w, body) // fails only if the client has gone
	}))
}

func (d *deployment) serve(h http.Handler) string {
	s := httptest.NewServer(h)
	d.root.Cleanup(s.Close)
	return s.URL
}
