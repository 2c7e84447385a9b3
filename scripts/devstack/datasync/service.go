package datasync

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// A Service is DataSync's API for one task, over HTTP with the protocol of AWS's SDKs (JSON 1.1):
// DescribeTask, StartTaskExecution, DescribeTaskExecution and CancelTaskExecution. It has no other
// task and no persistent state. Requests are not authenticated: a request can only start copies of
// what is copied anyway, and a caller needs the path, which is a secret.
type Service struct {
	task     *Task
	executed func(Report)
	ended    func(ctx context.Context, event Event) error

	// Faults, for tests. They may be called concurrently; nil causes no fault.

	// Refuse returns the code of the error with which a call of an action, such as
	// "StartTaskExecution", fails; "" executes the call.
	Refuse func(action string) (code string)
	// Before is called before an execution copies anything. The execution fails with its error; ctx
	// ends when the execution is canceled.
	Before func(ctx context.Context) error

	path    string // a secret
	done    sync.WaitGroup
	stop    context.CancelFunc
	running context.Context //nolint:containedctx // context of executions, which outlive requests

	mu         sync.Mutex
	arn        string // of the task
	executions map[string]*run
	last       *run
}

// Region and account of the ARNs, the same as MiniStack's.
const (
	region  = "us-east-1"
	account = "000000000000"
)

// NewService makes the API of a task. After each execution, executed is called with its report and
// ended with the event of its end; either may be nil. The caller must close the service.
func NewService(t *Task, executed func(Report), ended func(context.Context, Event) error) *Service {
	s := &Service{task: t, executed: executed, ended: ended, path: "/" + rand.Text()}
	s.running, s.stop = context.WithCancel(context.Background())
	s.Reset()
	return s
}

// Reset replaces the task by a new one and returns its ARN.
func (s *Service) Reset() (arn string) {
	id := make([]byte, 9)
	_, _ = rand.Read(id) // never fails
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arn = fmt.Sprintf("arn:aws:datasync:%s:%s:task/task-%s", region, account, hex.EncodeToString(id)[:17])
	s.executions, s.last = map[string]*run{}, nil
	return s.arn
}

// Close cancels a running execution and waits for its end.
func (s *Service) Close() {
	s.stop()
	s.done.Wait()
}

// Idle returns whether no execution is running and all ends were reported.
func (s *Service) Idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last == nil || s.last.over() && s.last.reported
}

// An apiError is an error of the API with its code.
type apiError struct{ code, message string }

func (e apiError) Error() string { return e.code + ": " + e.message }

func invalid(format string, a ...any) error {
	return apiError{"InvalidRequestException", fmt.Sprintf(format, a...)}
}

// ServeHTTP serves a call of the API.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil || host != "127.0.0.1" || strings.TrimSuffix(r.URL.Path, "/") != s.path || r.Method != http.MethodPost || r.Header.Get("Origin") != "" {
		http.NotFound(w, r)
		return
	}
	action, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "FmrsService.")
	call := map[string]func(json.RawMessage) (any, error){
		"DescribeTask":          s.describeTask,
		"StartTaskExecution":    s.start,
		"DescribeTaskExecution": s.describe,
		"CancelTaskExecution":   s.cancel,
	}[action]
	var in json.RawMessage
	var out any
	switch {
	case !ok || call == nil:
		err = apiError{"UnknownOperationException", action}
	case !strings.Contains(r.Header.Get("Authorization"), "/datasync/aws4_request"):
		err = apiError{"MissingAuthenticationTokenException", "the request is not signed for DataSync"}
	default:
		err = json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&in)
	}
	if err == nil && s.Refuse != nil {
		if code := s.Refuse(action); code != "" {
			err = apiError{code, "injected by a test"}
		}
	}
	if err == nil {
		out, err = call(in)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if err != nil {
		refusal := apiError{"SerializationException", err.Error()}
		_ = errors.As(err, &refusal)
		out = map[string]string{"__type": refusal.code, "message": refusal.message}
		w.WriteHeader(http.StatusBadRequest)
	}
	_ = json.NewEncoder(w).Encode(out) // fails only if the client has gone
}

func (s *Service) describeTask(in json.RawMessage) (any, error) {
	var q struct{ TaskArn string }
	if err := json.Unmarshal(in, &q); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if q.TaskArn != s.arn {
		return nil, invalid("there is no task %s", q.TaskArn)
	}
	out := map[string]any{"TaskArn": s.arn, "Status": "AVAILABLE"}
	if s.last != nil {
		out["CurrentTaskExecutionArn"] = s.last.arn // even if it has ended
		if !s.last.over() {
			out["Status"] = "RUNNING"
		}
	}
	return out, nil
}

func (s *Service) start(in json.RawMessage) (any, error) {
	var q struct {
		TaskArn         string
		OverrideOptions options
		ManifestConfig  *struct {
			Action, Format string
			Source         struct {
				S3 struct{ S3BucketArn, ManifestObjectPath, BucketAccessRoleArn string }
			}
		}
	}
	if err := json.Unmarshal(in, &q); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(s.running)
	r := &run{began: time.Now(), options: q.OverrideOptions, cancel: cancel, status: "LAUNCHING"}
	if m := q.ManifestConfig; m != nil {
		at, to := m.Source.S3, s.task.destination()
		if m.Format != "CSV" || m.Action != "TRANSFER" || at.BucketAccessRoleArn == "" || at.S3BucketArn != "arn:aws:s3:::"+to.Name() {
			cancel()
			return nil, invalid("unsupported manifest: bucket %q, format %q, role %q", at.S3BucketArn, m.Format, at.BucketAccessRoleArn)
		}
		if q.OverrideOptions.PreserveDeletedFiles == "REMOVE" {
			cancel()
			return nil, invalid("a manifest can't be combined with PreserveDeletedFiles REMOVE")
		}
		var err error
		if r.names, err = readManifest(ctx, to, at.ManifestObjectPath); err != nil {
			cancel()
			return nil, invalid("%v", err)
		}
	}
	if r.names == nil && q.OverrideOptions.PreserveDeletedFiles != "REMOVE" {
		cancel()
		return nil, invalid("without a manifest this emulator supports only PreserveDeletedFiles REMOVE")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case q.TaskArn != s.arn:
		cancel()
		return nil, invalid("there is no task %s", q.TaskArn)
	case s.last != nil && !s.last.over():
		cancel()
		return nil, invalid("the task is running")
	}
	id := make([]byte, 9)
	_, _ = rand.Read(id) // never fails
	r.arn = s.arn + "/execution/exec-" + hex.EncodeToString(id)[:17]
	s.executions[r.arn], s.last = r, r
	s.done.Go(func() { s.run(ctx, r) })
	return map[string]string{"TaskExecutionArn": r.arn}, nil
}

func (s *Service) locked(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// find returns the execution that a request names. The caller holds s.mu.
func (s *Service) find(in json.RawMessage) (*run, error) {
	var q struct{ TaskExecutionArn string }
	if err := json.Unmarshal(in, &q); err != nil {
		return nil, err
	}
	if r := s.executions[q.TaskExecutionArn]; r != nil {
		return r, nil
	}
	return nil, invalid("there is no execution %s", q.TaskExecutionArn)
}

func (s *Service) describe(in json.RawMessage) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.find(in)
	if err != nil {
		return nil, err
	}
	out := map[string]any{
		"TaskExecutionArn": r.arn, "Status": r.status, "StartTime": r.began.Unix(), "Options": r.options,
		"FilesTransferred": r.report.Transferred, "FilesDeleted": r.report.Deleted, "FilesSkipped": r.report.Skipped,
	}
	if r.failure != "" {
		out["Result"] = map[string]string{"ErrorCode": "TransferFailed", "ErrorDetail": r.failure}
	}
	return out, nil
}

func (s *Service) cancel(in json.RawMessage) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.find(in)
	if err != nil {
		return nil, err
	}
	if r.over() {
		return nil, invalid("the execution has ended")
	}
	r.status = "CANCELLING"
	r.cancel()
	return struct{}{}, nil
}

// Listen serves the API on a loopback port until Close, and returns its address for
// AWS_ENDPOINT_URL_DATASYNC.
func (s *Service) Listen() (address string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute}
	context.AfterFunc(s.running, func() { _ = server.Close() })
	go func() { _ = server.Serve(l) }() // ends with Close
	return (&url.URL{Scheme: "http", Host: l.Addr().String(), Path: s.path}).String(), nil
}
