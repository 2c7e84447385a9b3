package deploy_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
)

// The procedures in README.md for a custom domain, a rollback, a change of mode and a lost bucket.
func TestGuide(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	d.otherArchives(functionArchives...)
	archive(t, filepath.Join(d.archives, "atelier-ec2.tar.gz"), "bin/worker-daemon-onnx") // MiniStack starts no instances
	d.upFirst()
	d.on("domain", (*deployment).testOwnDomain)
	d.on("roll back", (*deployment).testRollBack)
	d.on("compute", (*deployment).testOtherCompute)
	d.on("lost bucket", (*deployment).testLostBucket)
}

// testOwnDomain fetches from the bucket and submits as a page on another domain.
func (d *deployment) testOwnDomain() {
	const origin = "https://atelier.example.org"
	allowed := func() []string {
		d.Helper()
		return d.aws("s3api", "get-bucket-cors", "--bucket", d.outputs["BucketName"], "--query", "CORSRules[].AllowedOrigins[]")
	}
	if slices.Contains(allowed(), origin) {
		d.Fatal("the origin is allowed before it is configured")
	}
	d.up("--set", "PageOrigin="+origin)
	if got := allowed(); !slices.Contains(got, origin) || len(got) != 2 {
		d.Errorf("pages of %q may fetch from the bucket, want those of the API and of %s", got, origin)
	}
	// The request has the form in which API Gateway passes on requests to a custom domain.
	req, err := http.NewRequestWithContext(d.Context(), http.MethodPost, d.Base+"/v1/uploads", strings.NewReader(`{"bytes":1}`))
	if err != nil {
		d.Fatal(err)
	}
	req.Host = "atelier.example.org"
	for name, value := range map[string]string{"Origin": origin, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/json", "Authorization": "Bearer " + d.Key} {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		d.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		d.Errorf("from a page of that domain: %s", resp.Status)
	}
}

// testRollBack deploys other archives and then the first ones again; parameters keep their values.
func (d *deployment) testRollBack() {
	code := func() string {
		d.Helper()
		return strings.Join(d.aws("lambda", "list-functions", "--query", "Functions[].CodeSha256"), " ")
	}
	parameters := func() string {
		d.Helper()
		return strings.Join(d.aws("cloudformation", "describe-stacks", "--stack-name", "atelier", "--query", "Stacks[0].Parameters[?ParameterKey!='ArtifactPrefix'].ParameterValue"), " ")
	}
	first, set, before := d.archives, parameters(), code()
	d.otherArchives("maintenance-lambda.zip", "worker-lambda-onnx.zip", "atelier-ec2.tar.gz")
	archive(d.T, filepath.Join(d.archives, "api-lambda.zip"), "bootstrap") // a broken version
	d.up()
	if code() == before {
		d.Error("the other version was not deployed")
	}
	if r := d.Ask(http.MethodGet, "/v1/jobs", nil); r.StatusCode == http.StatusOK {
		d.Error("the other version works")
	}
	d.archives = first
	d.up()
	if code() != before {
		d.Error("the functions differ from the first deployment")
	}
	if got := parameters(); got != set {
		d.Errorf("the parameters were %s, are %s", set, got)
	}
	id := d.Submit(d.photograph())
	if j := d.ended(id); j.State != job.Succeeded {
		d.Errorf("a job afterwards: %+v", j)
	}
}

// testOtherCompute changes from functions to instances and back while a job waits.
func (d *deployment) testOtherCompute() {
	d.enable(false)
	waiting := d.Submit(d.photograph())
	for _, mode := range []string{"both", "ec2"} {
		d.up("--mode", mode)
		if mode == "both" {
			d.enable(false) // up enables functions, which could receive the job before the next step
		}
		if out, _ := d.must("status"); !strings.Contains(out, mode+", onnx") {
			d.Errorf("the mode is not %s", mode)
		}
	}
	if functions := d.aws("lambda", "list-functions", "--query", "Functions[].FunctionName"); len(functions) != 2 {
		d.Errorf("got the functions %q, want only the API and maintenance", functions)
	}
	d.up("--mode", "serverless")
	if j := d.ended(waiting); j.State != job.Succeeded {
		d.Errorf("the job that waited: %+v", j)
	}
}

// testLostBucket restores the gallery from the file system after the loss of the bucket.
func (d *deployment) testLostBucket() {
	id := d.Submit(d.photograph(), "public", "true")
	before := d.ended(id)
	lost, fileSystem := d.outputs["BucketName"], d.outputs["FileSystemId"]
	d.aws("s3", "rb", "--force", "s3://"+lost)

	d.must("down", "--yes")
	d.aws("s3", "rm", "s3://atelier-artifacts-"+ministack.Account+"-"+ministack.Region+"/kept")
	// A new stack has a new DataSync task without a recorded state; here the emulator is the same.
	if err := os.Remove(filepath.Join(d.dir, "sweep", "copy.json")); err != nil && !os.IsNotExist(err) {
		d.Fatal(err)
	}
	d.upFirst("--set", "ExistingFileSystem="+fileSystem)
	if d.outputs["BucketName"] == lost || d.outputs["FileSystemId"] != fileSystem {
		d.Errorf("the data are in %s and %s", d.outputs["BucketName"], d.outputs["FileSystemId"])
	}
	if after := d.Read(id); after.State != job.Succeeded || after.Result == nil || after.Result.SHA256 != before.Result.SHA256 {
		d.Errorf("the job was %+v, is %+v", before, after)
	}
	d.waitFor("the picture in the gallery", func() bool {
		d.sweep()
		r, err := http.Get(d.gallery + "/gallery/" + id.Folder() + ".json")
		if err != nil {
			d.Fatal(err)
		}
		r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
}
