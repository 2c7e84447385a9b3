package deploy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/scripts/apitest"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
)

// needs maps permissions to the use (see uses) that fails without them.
var needs = map[string]string{
	"ApiRole ssm:GetParameter arn:aws:ssm:us-east-1:000000000000:parameter/atelier/keys": "a key is accepted",
	"ApiRole sqs:SendMessage queue":                "a picture is submitted",
	"ApiRole sqs:GetQueueAttributes queue":         "failed jobs run again",
	"ApiRole s3:GetObject bucket/pictures/*":       "a large result is fetched by a link",
	"ApiRole s3:PutObject bucket/pictures/*":       "a large result is fetched by a link",
	"ApiRole s3:DeleteObject bucket/pictures/*":    "a job is erased",
	"ApiRole s3:GetObject bucket/gallery/*":        "a job is erased",
	"ApiRole s3:PutObject bucket/gallery/*":        "a job is erased",
	"ApiRole s3:PutObject bucket/uploads/*":        "an upload is submitted",
	"ApiRole s3:GetObject bucket/uploads/*":        "an upload is submitted",
	"ApiRole s3:DeleteObject bucket/uploads/*":     "an upload is submitted",
	"WorkerRole sqs:ChangeMessageVisibility queue": "a message that is given back is received again soon",

	"Sweep sqs:GetQueueAttributes queue":      "a dead letter is sent again",
	"Sweep sqs:SendMessage queue":             "a dead letter is sent again",
	"Sweep sqs:GetQueueUrl dead letters":      "a dead letter is sent again",
	"Sweep sqs:ReceiveMessage dead letters":   "a dead letter is sent again",
	"Sweep sqs:DeleteMessage dead letters":    "a dead letter is sent again",
	"Sweep s3:ListBucket bucket":              "a new picture is copied",
	"Sweep s3:DeleteObject bucket/pictures/*": "an erasure is completed",
	"Sweep s3:GetObject bucket/gallery/*":     "an erasure is completed",
	"Sweep s3:PutObject bucket/gallery/*":     "an erasure is completed",

	"MaintenanceRole s3:DeleteObject bucket/gallery/*":   "an hour without jobs leaves the gallery",
	"MaintenanceRole s3:PutObject bucket/datasync/*":     "a new picture is copied",
	"MaintenanceRole s3:GetObject bucket/datasync/*":     "a failed copy is checked",
	"MaintenanceRole s3:PutObject bucket/index.html":     "the gallery's page is stored",
	"MaintenanceRole s3:PutObject bucket/favicon.svg":    "the gallery's page is stored",
	"MaintenanceRole s3:PutObject bucket/gallery-*.js":   "the gallery's page is stored",
	"MaintenanceRole s3:PutObject bucket/gallery.*":      "the gallery's page is stored",
	"MaintenanceRole s3:GetObject artifacts/payload.zip": "the payload is installed",

	"DaemonRole s3:GetObject artifacts/atelier-ec2.tar.gz": "an instance loads its archive",
	"DaemonRole sqs:ReceiveMessage queue":                  "an instance paints",
	"DaemonRole sqs:DeleteMessage queue":                   "an instance paints",
	"DaemonRole sqs:ChangeMessageVisibility queue":         "an instance gives a message back",
}

// someNeeds are always tried, all others on request.
var someNeeds = []string{
	"ApiRole sqs:SendMessage queue",
	"WorkerRole sqs:ChangeMessageVisibility queue",
	"Sweep s3:DeleteObject bucket/pictures/*",
	"MaintenanceRole s3:PutObject bucket/index.html",
	"DaemonRole sqs:ReceiveMessage queue",
}

// uses exercise permissions, and return an error if something was refused. They can be repeated.
func (g *grants) uses() map[string]func() error {
	return map[string]func() error{
		"a key is accepted":                   func() error { return g.want(http.MethodGet, "/v1/jobs", nil, http.StatusOK) },
		"a picture is submitted":              func() error { _, err := g.post(); return err },
		"a large result is fetched by a link": g.fetchLarge,
		"a job is erased":                     g.erase,
		"failed jobs run again": func() error {
			return g.want(http.MethodPost, "/v1/admin/redrive", strings.NewReader(`{"all":true}`), http.StatusOK, "Content-Type", "application/json")
		},
		"an upload is submitted":                              g.upload,
		"a message that is given back is received again soon": g.giveBack,
		"a dead letter is sent again":                         g.resend,
		"an erasure is completed":                             g.completeErasure,
		"a new picture is copied":                             g.copyNew,
		"a failed copy is checked":                            g.checkFailedCopy,
		"the gallery's page is stored":                        func() error { return g.maintain("gallery") },
		"an hour without jobs leaves the gallery":             g.emptyHour,
		"the payload is installed":                            func() error { return g.maintain("install") },
		"an instance loads its archive":                       g.loadArchive,
		"an instance paints":                                  g.paintOnInstance,
		"an instance gives a message back":                    g.giveBackOnInstance,
	}
}

// prepare paints the jobs that the uses need. Those of someNeeds erase two public jobs and need no large
// result. Some public jobs are left, because an hour without jobs needs other permissions.
func (g *grants) prepare() {
	g.Helper()
	g.daemon = g.instance()
	g.buildWorker()
	public := 4
	if os.Getenv("ATELIER_DEPLOY_TESTS") == "all" {
		public = 14
		g.large = string(g.Submit(noise(g, 2048, 1900), "format", "png", "size", "2048"))
	}
	for range public {
		g.public = append(g.public, string(g.Submit(g.photograph(), "public", "true")))
	}
	for _, id := range g.public {
		g.ended(job.ID(id))
	}
	if g.large != "" {
		g.ended(job.ID(g.large))
	}
	g.waitFor("the gallery", func() bool {
		g.sweep()
		_, err := g.copies.To.Head(g.Context(), "gallery/index.json")
		return err == nil && len(g.keys(g.public[len(g.public)-1])) == 2
	})
}

// noise returns a picture whose result is large.
func noise(g *grants, width, height int) []byte {
	g.Helper()
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range img.Pix {
		img.Pix[i] = byte(rand.Uint32())
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		g.Fatal(err)
	}
	return b.Bytes()
}

// instance returns the credentials of an instance as environment variables. Afterwards any user may
// assume its role, because MiniStack has no metadata service.
func (g *grants) instance() []string {
	g.Helper()
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`
	g.aws("iam", "update-assume-role-policy", "--role-name", g.names["DaemonRole"], "--policy-document", trust)
	words := g.aws("sts", "assume-role", "--role-arn", "arn:aws:iam::"+ministack.Account+":role/"+g.names["DaemonRole"], "--role-session-name", "instance",
		"--query", "Credentials.[AccessKeyId,SecretAccessKey,SessionToken]")
	return append(g.locked.Environ(), "AWS_ACCESS_KEY_ID="+words[0], "AWS_SECRET_ACCESS_KEY="+words[1], "AWS_SESSION_TOKEN="+words[2], "AWS_PAGER=", "AWS_DEFAULT_REGION="+ministack.Region)
}

// renew replaces the processes of the API and of maintenance, which cache keys and URLs.
func (g *grants) renew() {
	g.Helper()
	functions := lambda.NewFromConfig(g.cfg)
	for logical, timeout := range map[string]int32{"ApiFunction": 30, "MaintenanceFunction": 300} { // unchanged values: any update of the configuration starts new processes
		name := g.names[logical]
		_, err := functions.UpdateFunctionConfiguration(g.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: &name, Timeout: &timeout})
		if err == nil {
			updated := lambda.NewFunctionUpdatedV2Waiter(functions, func(o *lambda.FunctionUpdatedV2WaiterOptions) {
				o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second
			})
			err = updated.Wait(g.Context(), &lambda.GetFunctionInput{FunctionName: &name}, time.Minute)
		}
		if err != nil {
			g.Fatal(err)
		}
	}
}

func (g *grants) artifacts() string {
	return "atelier-artifacts-" + ministack.Account + "-" + ministack.Region
}

// arn returns the ARN of a queue whose URL is an output.
func (g *grants) arn(output string) string {
	url := g.outputs[output]
	return "arn:aws:sqs:" + ministack.Region + ":" + ministack.Account + ":" + url[strings.LastIndex(url, "/")+1:]
}

// keys returns the keys of a job's pictures in the bucket.
func (g *grants) keys(id string) (keys []string) {
	g.Helper()
	for o, err := range g.copies.To.List(g.Context(), "pictures/") {
		if err != nil {
			g.Fatal(err)
		}
		if strings.Contains(o.Key, id) {
			keys = append(keys, o.Key)
		}
	}
	return keys
}

// until waits until done returns true, or a refusal was logged since the use began.
func (g *grants) until(what string, done func() bool) error {
	g.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(100 * time.Millisecond) {
		logged := g.logged()[g.began:]
		if denied.MatchString(logged) {
			return fmt.Errorf("%s: %s", what, logged)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("timeout waiting for %s: %s", what, logged[max(0, len(logged)-2000):])
		}
	}
	return nil
}

func (g *grants) want(method, path string, body io.Reader, status int, headers ...string) error {
	g.Helper()
	r := g.Ask(method, path, body, headers...)
	if r.StatusCode != status {
		return fmt.Errorf("%s %s: %s: %s", method, path, r.Status, r.Body)
	}
	return nil
}

// post submits a picture, or an upload given by fields.
func (g *grants) post(fields ...string) (id job.ID, err error) {
	g.Helper()
	var picture []byte
	if len(fields) == 0 {
		picture = g.photograph()
	}
	contentType, form := apitest.Form(g.T, picture, fields...)
	r := g.Ask(http.MethodPost, "/v1/jobs", bytes.NewReader(form), "Content-Type", contentType)
	var j job.Job
	if r.StatusCode != http.StatusAccepted {
		return "", fmt.Errorf("%s: %s", r.Status, r.Body)
	}
	return j.ID, json.Unmarshal(r.Body, &j)
}

// link requests the URL of an upload.
func (g *grants) link(size int) (id, method, url string, header map[string]string) {
	g.Helper()
	r := g.Ask(http.MethodPost, "/v1/uploads", strings.NewReader(fmt.Sprintf(`{"bytes": %d}`, size)), "Content-Type", "application/json")
	var u struct {
		UploadID string `json:"upload_id"`
		Method   string
		URL      string
		Headers  map[string]string
	}
	if err := json.Unmarshal(r.Body, &u); err != nil || r.StatusCode != http.StatusCreated {
		g.Fatalf("%s: %s", r.Status, r.Body)
	}
	return u.UploadID, u.Method, u.URL, u.Headers
}

func (g *grants) upload() error {
	picture := g.photograph()
	id, method, url, header := g.link(len(picture))
	req, err := http.NewRequestWithContext(g.Context(), method, url, bytes.NewReader(picture))
	if err != nil {
		g.Fatal(err)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Do(req)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if body, _ := io.ReadAll(r.Body); r.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", r.Status, body)
	}
	if _, err := g.post("upload_id", id); err != nil {
		return err
	}
	return g.until("the upload's end", func() bool {
		for o, err := range g.copies.To.List(g.Context(), "uploads/") {
			if err != nil {
				g.Fatal(err)
			}
			if strings.Contains(o.Key, id) {
				return false
			}
		}
		return true
	})
}

// fetchLarge deletes the copy first, so that the API makes one.
func (g *grants) fetchLarge() error {
	if err := g.copies.To.Delete(g.Context(), g.keys(g.large)...); err != nil {
		g.Fatal(err)
	}
	req, err := http.NewRequestWithContext(g.Context(), http.MethodGet, g.Base+"/v1/jobs/"+g.large+"/result", nil)
	if err != nil {
		g.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+g.Key)
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := client.Do(req)
	if err != nil {
		return err
	}
	r.Body.Close()
	link, err := r.Location()
	if err != nil {
		return fmt.Errorf("the API returns no link: %s", r.Status)
	}
	return g.fetch(link.String())
}

// fetch downloads through a signed link, with its own connection, because MiniStack closes a
// connection after a refusal.
func (g *grants) fetch(link string) error {
	g.Helper()
	req, err := http.NewRequestWithContext(g.Context(), http.MethodGet, link, nil)
	if err != nil {
		g.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Do(req)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err == nil && r.StatusCode != http.StatusOK {
		err = fmt.Errorf("the link: %s: %s", r.Status, body)
	}
	return err
}

func (g *grants) next() (id string) {
	g.Helper()
	if len(g.public) == 0 {
		g.Fatal("there are no jobs left to erase: increase their number in prepare")
	}
	id, g.public = g.public[0], g.public[1:]
	return id
}

func (g *grants) erase() error {
	return g.want(http.MethodDelete, "/v1/jobs/"+g.next(), nil, http.StatusNoContent)
}
