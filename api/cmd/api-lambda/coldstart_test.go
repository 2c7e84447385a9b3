package main

import (
	"bytes"
	"image"
	"image/png"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/pkg/lambdatest"
)

// The test's program is also the function's: see start.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_AS_FUNCTION") != "" {
		main()
		return
	}
	m.Run()
}

// start runs api-lambda as a separate process.
func start(t *testing.T, aws *lambdatest.AWS, settings ...string) *lambdatest.Function {
	t.Helper()
	return startIn(t, aws.Environ(), settings...)
}

func startIn(t *testing.T, environ []string, settings ...string) *lambdatest.Function {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(environ, "TEST_AS_FUNCTION=1", "ATELIER_DIR="+t.TempDir())
	cmd.Env = append(cmd.Env, settings...)
	return lambdatest.Start(t, cmd)
}

// Requests to AWS are sent only when they are needed, and none at a cold start.
func TestRequestsToAWS(t *testing.T) {
	for name, c := range map[string]struct {
		queue string
		want  []string // of a submission
	}{
		"the queue by its URL":  {"http://sqs.us-east-1.amazonaws.com/123456789012/atelier", []string{"AmazonSQS.SendMessage"}},
		"the queue by its name": {"atelier", []string{"AmazonSQS.GetQueueUrl", "AmazonSQS.SendMessage"}},
	} {
		t.Run(name, func(t *testing.T) {
			aws := lambdatest.NewAWS(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, `{"QueueUrl":"http://sqs.us-east-1.amazonaws.com/123456789012/atelier","MessageId":"1"}`)
			})
			f := start(t, aws, "ATELIER_LOCAL=1", "ATELIER_BUCKET=pictures", "ATELIER_QUEUE="+c.queue)
			expect := func(when string, want ...string) {
				t.Helper()
				if got := aws.Requests(); !slices.Equal(got, want) {
					t.Errorf("%s: the requests to AWS are %q, want %q", when, got, want)
				}
			}
			expect("after the start")
			base := lambdatest.Gateway(t, f, lambdatest.DefaultStage)
			for _, path := range []string{"", "v1/styles", "v1/jobs", "v1/gallery", "v1/openapi.json", "healthz"} {
				if status, body := get(t, base+path); status != http.StatusOK {
					t.Errorf("/%s: %d %s", path, status, body)
				}
			}
			expect("after requests that need none")
			resp := submit(t, base)
			if resp.StatusCode != http.StatusAccepted {
				t.Errorf("submit: %s", resp.Status)
			}
			expect("after a submission", c.want...)
			if resp := submit(t, base); resp.StatusCode != http.StatusAccepted {
				t.Errorf("submit again: %s", resp.Status)
			}
			expect("after another", append(c.want, "AmazonSQS.SendMessage")...)
		})
	}
}

// A missing queue is logged, with what to do, when a request needs it; the client gets 503 with
// Retry-After.
func TestMissingQueue(t *testing.T) {
	aws := lambdatest.NewAWS(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Amzn-Query-Error", "AWS.SimpleQueueService.NonExistentQueue;Sender")
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}`)
	})
	f := start(t, aws, "ATELIER_LOCAL=1", "ATELIER_QUEUE=atelier-typo")
	base := lambdatest.Gateway(t, f, lambdatest.DefaultStage)
	if resp := submit(t, base); resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("submit: %s", resp.Status)
	}
	if status, _ := get(t, base+"readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("readyz: %d", status)
	}
	for _, want := range []string{"atelier-typo", "there is no such queue", "AWS_REGION"} {
		if !strings.Contains(f.Log(), want) {
			t.Errorf("%q is not in the log:\n%s", want, f.Log())
		}
	}
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// submit submits a picture; the response's body is read and closed.
func submit(t *testing.T, base string, headers ...string) *http.Response {
	t.Helper()
	var picture, form bytes.Buffer
	if err := png.Encode(&picture, image.NewRGBA(image.Rect(0, 0, 16, 16))); err != nil {
		t.Fatal(err)
	}
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("image", "a.png")
	if err == nil {
		_, err = part.Write(picture.Bytes())
	}
	if err == nil {
		err = w.WriteField("style", "night-swirls")
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"v1/jobs", &form)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp
}
