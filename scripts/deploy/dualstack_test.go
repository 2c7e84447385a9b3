package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/pkg/awsconfig"
	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/datasync"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/parameter"
	"github.com/atelier-go/atelier/pkg/queue"
	jobstore "github.com/atelier-go/atelier/pkg/store"
)

// Every request of a function or an instance goes to a dual-stack endpoint, even if the queue's URL
// names another one: over IPv4 the subnets reach only S3 in the same region.
func TestDualStackEndpoints(t *testing.T) {
	for _, setting := range os.Environ() {
		if name, _, _ := strings.Cut(setting, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	for name, value := range map[string]string{
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_MAX_ATTEMPTS": "1",
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_USE_DUALSTACK_ENDPOINT": "true",
	} {
		t.Setenv(name, value)
	}
	cfg, err := awsconfig.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var asked hosts
	cfg.HTTPClient = &asked

	jobs, err := jobstore.Open(jobstore.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	pictures := bucket.New(cfg, "pictures")
	const task = "arn:aws:datasync:eu-central-1:123456789012:task/task-1"
	copies, err := datasync.New(datasync.Config{
		Task: task, Role: "arn:aws:iam::123456789012:role/r",
		AWS: cfg, Store: jobs, Bucket: pictures, Prefix: "pictures/", Update: func(context.Context, datasync.Change) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	// A step asks first how an execution has ended.
	if err := jobs.SetNoteVersion(jobstore.CopyNote, 0, fmt.Appendf(nil, `{"task":%q,"execution":%q}`, task, task+"/execution/exec-1")); err != nil {
		t.Fatal(err)
	}
	for want, ask := range map[string]func() error{
		"sqs.eu-central-1.api.aws": func() error {
			return queue.New(cfg, "https://sqs.eu-central-1.amazonaws.com/123456789012/q").Send(t.Context(), job.Message{})
		},
		"pictures.s3.dualstack.eu-central-1.amazonaws.com": func() error { return pictures.Check(t.Context()) },
		"datasync.eu-central-1.api.aws":                    func() error { return copies.Step(t.Context()) },
		"ssm.eu-central-1.api.aws": func() error {
			_, err := parameter.New(cfg, "/keys").Read(t.Context())
			return err
		},
	} {
		asked = nil
		if err := ask(); err == nil {
			t.Errorf("%s: the request succeeded without a network", want)
		}
		if got := slices.Compact([]string(asked)); !slices.Equal(got, []string{want}) {
			t.Errorf("requested %q, want %s", got, want)
		}
	}
	if got, err := pictures.Origin(t.Context()); err != nil || got != "https://pictures.s3.dualstack.eu-central-1.amazonaws.com" {
		t.Errorf("links point to %s: %v", got, err)
	}
}

// hosts records the requested hosts, without a response.
type hosts []string

func (h *hosts) Do(r *http.Request) (*http.Response, error) {
	*h = append(*h, r.URL.Host)
	return nil, errors.New("there is no network")
}
