package datasync

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/datasync"
	"github.com/aws/aws-sdk-go-v2/service/datasync/types"

	"github.com/atelier-go/atelier/pkg/awshttp"
)

// A task is DataSync's API for one task.
type task struct {
	client *datasync.Client
	arn    string
}

func newTask(cfg aws.Config, arn string) task {
	return task{datasync.NewFromConfig(cfg, func(o *datasync.Options) { o.HTTPClient = awshttp.Whole(o.HTTPClient) }), arn}
}

// running returns the execution that is running or queued; "" if there is none, and an
// error if the task can't be started.
func (t task) running(ctx context.Context) (string, error) {
	out, err := t.client.DescribeTask(ctx, &datasync.DescribeTaskInput{TaskArn: &t.arn})
	if err != nil {
		return "", fmt.Errorf("describe DataSync's task: %w", err)
	}
	switch out.Status {
	case types.TaskStatusRunning, types.TaskStatusQueued:
		return aws.ToString(out.CurrentTaskExecutionArn), nil
	case types.TaskStatusUnavailable:
		return "", fmt.Errorf("DataSync's task is unavailable (%s: %s): look at its locations in DataSync's console", aws.ToString(out.ErrorCode), aws.ToString(out.ErrorDetail))
	}
	return "", nil
}

// A manifest is where an object with names to copy is, and the role that reads it.
type manifest struct{ bucket, key, role string }

// start starts an execution with a manifest, or without one of everything, which also
// removes what has no file any more.
func (t task) start(ctx context.Context, m *manifest) (execution string, err error) {
	in := &datasync.StartTaskExecutionInput{TaskArn: &t.arn, OverrideOptions: &types.Options{
		TransferMode:         types.TransferModeChanged,
		PreserveDeletedFiles: types.PreserveDeletedFilesRemove,
		// Pictures come and go meanwhile, so that a comparison of all would find differences.
		VerifyMode:   types.VerifyModeOnlyFilesTransferred,
		TaskQueueing: types.TaskQueueingDisabled, // a second execution is refused
	}}
	if m != nil {
		in.OverrideOptions.PreserveDeletedFiles = types.PreserveDeletedFilesPreserve
		in.ManifestConfig = &types.ManifestConfig{
			Action: types.ManifestActionTransfer, Format: types.ManifestFormatCsv,
			Source: &types.SourceManifestConfig{S3: &types.S3ManifestConfig{
				S3BucketArn: &m.bucket, ManifestObjectPath: &m.key, BucketAccessRoleArn: &m.role,
			}},
		}
	}
	out, err := t.client.StartTaskExecution(ctx, in)
	if err != nil {
		return "", fmt.Errorf("start DataSync's task: %w", err)
	}
	return aws.ToString(out.TaskExecutionArn), nil
}

// An execution is how far one has come.
type execution struct {
	ended     bool
	canceling bool
	failure   string // of one that has ended; "" if it succeeded
}

// errUnknown: there is no execution with this ARN.
var errUnknown = errors.New("there is no such execution")

func (t task) execution(ctx context.Context, arn string) (e execution, err error) {
	out, err := t.client.DescribeTaskExecution(ctx, &datasync.DescribeTaskExecutionInput{TaskExecutionArn: &arn})
	if invalid := (*types.InvalidRequestException)(nil); errors.As(err, &invalid) { // the ARN is all that it could be
		return e, fmt.Errorf("%w: %w", errUnknown, err)
	}
	if err != nil {
		return e, fmt.Errorf("describe DataSync's execution: %w", err)
	}
	switch out.Status {
	case types.TaskExecutionStatusSuccess:
		e.ended = true
	case types.TaskExecutionStatusError:
		e.ended, e.failure = true, "no reason given"
		if r := out.Result; r != nil && aws.ToString(r.ErrorCode) != "" {
			e.failure = aws.ToString(r.ErrorCode) + ": " + aws.ToString(r.ErrorDetail)
		}
	case types.TaskExecutionStatusCancelling:
		e.canceling = true
	}
	return e, nil
}

func (t task) cancel(ctx context.Context, arn string) error {
	if _, err := t.client.CancelTaskExecution(ctx, &datasync.CancelTaskExecutionInput{TaskExecutionArn: &arn}); err != nil {
		return fmt.Errorf("cancel DataSync's execution: %w", err)
	}
	return nil
}
