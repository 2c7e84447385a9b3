package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/atelier-go/atelier/api/browsertest"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/scripts/apitest"
)

// A page of another site, open in a browser on the same machine, tries everything on the ports of
// the stack's processes. None of its requests has an effect, and the stack keeps working.
func TestUseHostilePage(t *testing.T) {
	for _, mode := range []string{"server", "lambda", "both"} {
		t.Run(mode, func(t *testing.T) {
			d := start(t, mode, "ATELIER_COPY_EVERY=0")
			d.painted(d.submit(apitest.Stripes(t, 320, 240))) // starts the functions, if the mode has any
			functions := d.functionNames()
			runtimes := d.runtimeAPIs()
			// A daemon receives most jobs: submit more than it paints at once, until a function has
			// some.
			for until := time.Now().Add(time.Minute); len(runtimes) == 0 && mode == "both" && time.Now().Before(until); {
				var ids []job.ID
				for range 16 {
					ids = append(ids, d.submit(apitest.Stripes(t, 320, 240)))
				}
				for _, id := range ids {
					d.painted(id)
				}
				runtimes = d.runtimeAPIs()
			}
			if (len(runtimes) > 0) != (mode != "server") {
				t.Errorf("runtime APIs: %q", runtimes)
			}
			evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				fmt.Fprint(w, `<!doctype html><meta name="referrer" content="no-referrer"><link rel="icon" href="data:,"><body>`)
			}))
			t.Cleanup(evil.Close)
			b := browsertest.Start(t)
			for _, host := range []string{"localhost", "127.0.0.1"} { // another site, and the same one
				p := b.Open(t, strings.Replace(evil.URL, "127.0.0.1", host, 1))
				p.ExpectFailures()
				targets, err := json.Marshal(d.targets(runtimes))
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("from %s: %.0f attempts", host, browsertest.Value[float64](p, "("+attack+")("+string(targets)+")"))
			}
			for _, at := range runtimes { // the same requests with the headers of a browser, and with others
				for _, request := range []string{"GET /2018-06-01/runtime/invocation/next", "POST /2018-06-01/runtime/init/error"} {
					method, path, _ := strings.Cut(request, " ")
					at := apitest.Client{T: t, Base: "http://" + at}
					for _, headers := range [][]string{
						{"User-Agent", "Mozilla/5.0", "Origin", evil.URL, "Sec-Fetch-Site", "cross-site"},
						{"User-Agent", "Mozilla/5.0"},
						{"User-Agent", "aws-lambda-go/go1.26", "Host", "evil.example:80"},
					} {
						if a := at.Ask(method, path, bytes.NewReader([]byte("{}")), headers...); a.StatusCode != http.StatusForbidden {
							t.Errorf("%s of a function, %v: %s", request, headers, a.Status)
						}
					}
				}
			}

			if after := d.functionNames(); after != functions {
				t.Errorf("functions: %s before, %s after", functions, after)
			}
			if names := d.bucketNames(); names != "atelier" {
				t.Errorf("buckets: %s", names)
			}
			for range 3 {
				if j := d.painted(d.submit(apitest.Stripes(t, 320, 240))); j.Attempts != 1 {
					t.Errorf("%+v", j)
				}
			}
			if strings.Contains(d.output.all(), "died") {
				t.Error("a part died")
			}
			d.end(os.Interrupt)
		})
	}
}

// targets returns the addresses to attack, each with the body for requests that have one.
func (d *demo) targets(runtimes []string) (targets [][2]string) {
	d.Helper()
	endpoint := d.miniStack().Endpoint
	const function = `{"FunctionName":"evil","Runtime":"provided.al2023","Handler":"bootstrap","Role":"arn:aws:iam::000000000000:role/worker-lambda","Code":{"ZipFile":"UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="}}`
	const claims = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=test/20261129/us-east-1/%s/aws4_request&X-Amz-Date=20261129T000000Z&X-Amz-Expires=604800&X-Amz-SignedHeaders=host&X-Amz-Signature=00"
	for path, body := range map[string]string{
		"/_ministack/reset":        "",
		"/_ministack/reset?init=1": "",
		"/_ministack/config":       `{"lambda_svc.LAMBDA_EXECUTOR":"docker"}`,
		"/_ministack/health":       "", "/_ministack/ready": "", "/health": "",
		"/_ministack/sqs/messages": "", "/_ministack/ses/messages": "", "/_ministack/sns/sms-messages": "",
		"/_ministack/lambda-code/worker-lambda": "", "/_ministack/rds/iam-auth": "{}", "/_ministack/cfn-response/x": "{}", "/_ministack/cfn-signal/x": "{}",
		"/_aws/execute-api/0123abcd/$default/": "", "/_aws/lambda-url/0123/": "", "/evil": "",
		"/2015-03-31/functions":                                                                             function,
		"/2015-03-31/functions?" + fmt.Sprintf(claims, "lambda"):                                            function,
		"/2015-03-31/functions/worker-lambda/invocations?" + fmt.Sprintf(claims, "lambda"):                  `{"Records":[]}`,
		"/?Action=DeleteQueue&QueueUrl=" + endpoint + "/000000000000/atelier&" + fmt.Sprintf(claims, "sqs"): "",
		"/?Action=PurgeQueue&QueueUrl=" + endpoint + "/000000000000/atelier":                                "",
		"/?Action=CreateUser&UserName=evil&Version=2010-05-08&" + fmt.Sprintf(claims, "iam"):                "",
		"/evil?" + fmt.Sprintf(claims, "s3"):                                                                "", "/atelier?delete&" + fmt.Sprintf(claims, "s3"): "<Delete></Delete>",
	} {
		targets = append(targets, [2]string{endpoint + path, body})
	}
	for _, at := range runtimes {
		targets = append(targets, [2]string{"http://" + at + "/2018-06-01/runtime/invocation/next", ""}, [2]string{"http://" + at + "/2018-06-01/runtime/init/error", "{}"})
	}
	return targets
}

// attack sends all kinds of requests that a page can send to another site without permission, and returns when all have
// ended.
const attack = `async (targets) => {
	let attempts = 0
	const waits = []
	const limit = () => AbortSignal.timeout(3000)
	const element = (name, attributes) => new Promise((done) => {
		const e = Object.assign(document.createElement(name), attributes)
		e.onload = e.onerror = done
		setTimeout(done, 3000)
		document.body.append(e)
	})
	for (const [url, body] of targets) {
		for (const init of [{}, {method: 'POST', body}, {method: 'POST', body: new URLSearchParams('Action=ListQueues')}, {method: 'POST', body: new Blob([body])}]) {
			attempts++
			waits.push(fetch(url, {mode: 'no-cors', credentials: 'include', signal: limit(), ...init}).catch(() => {}))
		}
		navigator.sendBeacon(url, body)
		waits.push(element('img', {src: url}), element('script', {src: url}), element('iframe', {src: url}))
		waits.push(new Promise((done) => {
			const frame = Object.assign(document.createElement('iframe'), {name: 'f' + attempts})
			document.body.append(frame)
			const form = Object.assign(document.createElement('form'), {action: url, method: 'POST', target: frame.name, enctype: 'text/plain'})
			form.append(Object.assign(document.createElement('input'), {name: body.slice(0, -1) || 'x', value: body.slice(-1)}))
			document.body.append(form)
			setTimeout(() => { frame.onload = done; form.submit() })
			setTimeout(done, 3000)
		}))
		waits.push(new Promise((done) => {
			const socket = new WebSocket(url.replace('http', 'ws'))
			socket.onopen = socket.onerror = socket.onclose = done
		}))
		attempts += 6
	}
	await Promise.all(waits)
	return attempts
}`

func (d *demo) functionNames() string {
	d.Helper()
	cfg := d.awsConfig()
	out, err := lambda.NewFromConfig(cfg).ListFunctions(d.Context(), nil)
	if err != nil {
		d.Fatal(err)
	}
	var names []string
	for _, f := range out.Functions {
		names = append(names, *f.FunctionName)
	}
	return strings.Join(names, " ")
}

func (d *demo) bucketNames() string {
	d.Helper()
	cfg := d.awsConfig()
	out, err := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }).ListBuckets(d.Context(), nil)
	if err != nil {
		d.Fatal(err)
	}
	var names []string
	for _, b := range out.Buckets {
		names = append(names, *b.Name)
	}
	return strings.Join(names, " ")
}

// runtimeAPIs returns the addresses at which the functions' processes request events.
func (d *demo) runtimeAPIs() (addresses []string) {
	d.Helper()
	for _, p := range d.processes() {
		if !p.function() {
			continue
		}
		env, err := os.ReadFile(filepath.Join("/proc", fmt.Sprint(p.pid), "environ"))
		if err != nil {
			continue // ended meanwhile
		}
		for kv := range bytes.SplitSeq(env, []byte{0}) {
			if at, ok := bytes.CutPrefix(kv, []byte("AWS_LAMBDA_RUNTIME_API=")); ok {
				addresses = append(addresses, string(at))
			}
		}
	}
	return addresses
}
