package datasync_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"regexp"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/datasync"
	"github.com/aws/aws-sdk-go-v2/service/datasync/types"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/datasync"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
)

// Moto implements AWS's description of the API independently. It copies nothing. Each request for
// the state of an execution changes the state, up to SUCCESS.
func TestOnMoto(t *testing.T) {
	cfg := startMoto(t)
	client := sdk.NewFromConfig(cfg)
	arn := makeTask(t, client)
	_, s3 := ministacktest.Start(t)
	b, err := bucket.Create(t.Context(), s3, "bucket")
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := store.Open(store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = jobs.Close() })
	updates := 0
	c, err := datasync.New(datasync.Config{
		Task: arn, Role: "arn:aws:iam::123456789012:role/manifests", AWS: cfg, Store: jobs, Bucket: b, Prefix: "pictures/",
		Update: func(context.Context, datasync.Change) error { updates++; return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{T: t, store: jobs, client: client, task: arn, copier: c}
	status := func() types.TaskStatus {
		t.Helper()
		out, err := client.DescribeTask(t.Context(), &sdk.DescribeTaskInput{TaskArn: &arn})
		if err != nil {
			t.Fatal(err)
		}
		return out.Status
	}
	for _, what := range []string{"all pictures", "a new picture"} {
		r.paint()
		if err := c.Step(t.Context()); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if got := status(); got != types.TaskStatusRunning {
			t.Errorf("%s: the task is %s", what, got)
		}
		before := updates
		for range 10 {
			if updates > before {
				break
			}
			if err := c.Step(t.Context()); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
		}
		if updates != before+1 {
			t.Errorf("%s: %d updates after the end", what, updates-before)
		}
	}
	manifests := 0
	for _, err := range b.List(t.Context(), "datasync/") {
		if err != nil {
			t.Fatal(err)
		}
		manifests++
	}
	// Moto has copied nothing, so a later scan may have found the same pictures again.
	if manifests < 2 {
		t.Errorf("there are %d manifests, want one for each execution", manifests)
	}

	// A running task can't be started again, but canceled.
	other := makeTask(t, client)
	out, err := client.StartTaskExecution(t.Context(), &sdk.StartTaskExecutionInput{TaskArn: &other})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.StartTaskExecution(t.Context(), &sdk.StartTaskExecutionInput{TaskArn: &other}); err == nil {
		t.Error("a running task was started again")
	}
	if _, err := client.CancelTaskExecution(t.Context(), &sdk.CancelTaskExecutionInput{TaskExecutionArn: out.TaskExecutionArn}); err != nil {
		t.Error(err)
	}
}

func makeTask(t *testing.T, client *sdk.Client) (arn string) {
	t.Helper()
	role := &types.S3Config{BucketAccessRoleArn: aws.String("arn:aws:iam::123456789012:role/copies")}
	var locations []*string
	for _, folder := range []string{"/from-" + t.Name() + time.Now().String(), "/to-" + t.Name() + time.Now().String()} {
		out, err := client.CreateLocationS3(t.Context(), &sdk.CreateLocationS3Input{
			S3BucketArn: aws.String("arn:aws:s3:::bucket"), Subdirectory: &folder, S3Config: role,
		})
		if err != nil {
			t.Fatal(err)
		}
		locations = append(locations, out.LocationArn)
	}
	out, err := client.CreateTask(t.Context(), &sdk.CreateTaskInput{SourceLocationArn: locations[0], DestinationLocationArn: locations[1]})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.TaskArn)
}

// startMoto runs Moto on loopback for the duration of a test.
func startMoto(t *testing.T) aws.Config {
	t.Helper()
	if testing.Short() {
		t.Skip("needs Moto: left out with -short")
	}
	program := os.Getenv("ATELIER_MOTO")
	if program == "" {
		const missing = `Moto is not installed: run scripts/setup --tests, then eval "$(scripts/env)"`
		if os.Getenv("CI") != "" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	cmd := exec.Command(program, "-H", "127.0.0.1", "-p", "0")
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	endpoint := make(chan string, 1)
	go func() {
		address := regexp.MustCompile(`Running on (http://127\.0\.0\.1:\d+)`)
		for s := bufio.NewScanner(log); s.Scan(); {
			if m := address.FindStringSubmatch(s.Text()); m != nil {
				endpoint <- m[1]
			}
		}
	}()
	select {
	case at := <-endpoint:
		return aws.Config{Region: "us-east-1", BaseEndpoint: &at, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
	case <-time.After(time.Minute):
		t.Fatal("Moto did not start in a minute")
		return aws.Config{}
	}
}
