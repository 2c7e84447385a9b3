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

// A task calls DataSync's API for one task.
type task struct {
	client *datasync.Client
	arn    string
}

func newTask(cfg aws.Config, arn string) task {
	return task{datasync.NewFromConfig(cfg, func(o *datasync.Options) { o.HTTPClient = awshttp.WithoutResends(o.HTTPClient) }), arn}
}

// runningExecution returns the ARN of the execution that is running or queued, or "". It returns an
// error if the task can't be started.
func (t task) runningExecution(ctx context.Context) (string, error) {
	out, err := t.client.DescribeTask(ctx, &datasync.DescribeTaskInput{TaskArn: &t.arn})
	if err != nil {
		return "", fmt.Errorf("describe DataSync's task: %w", err)
	}
	switch out.Status {
	case types.TaskStatusRunning, types.TaskStatusQueued:
		return aws.ToString(out.CurrentTaskExecutionArn), nil
	case types.TaskStatusUnavailable:
		return "", fmt.Errorf("DataSync's task is unavailable (%s: %s): check its locations in DataSync's console", aws.ToString(out.ErrorCode), aws.ToString(out.ErrorDetail))
	}
	return "", nil
}

// A manifestSource is the object with the names to copy, and the role that reads it.
type manifestSource struct{ bucket, key, role string }

// start starts an execution with a manifest. It deletes nothing in the bucket.
func (t task) start(ctx context.Context, m manifestSource) (execution string, err error) {
	in := &datasync.StartTaskExecutionInput{
		TaskArn: &t.arn,
		OverrideOptions: &types.Options{
			TransferMode:         types.TransferModeChanged,
			PreserveDeletedFiles: types.PreserveDeletedFilesPreserve,
			// Pictures are added and removed meanwhile, so a comparison of all would find differences.
			VerifyMode:   types.VerifyModeOnlyFilesTransferred,
			TaskQueueing: types.TaskQueueingDisabled, // a second execution is refused
		},
		ManifestConfig: &types.ManifestConfig{
			Action: types.ManifestActionTransfer, Format: types.ManifestFormatCsv,
			Source: &types.SourceManifestConfig{S3: &types.S3ManifestConfig{
				S3BucketArn: &m.bucket, ManifestObjectPath: &m.key, BucketAccessRoleArn: &m.role,
			}},
		},
	}
	out, err := t.client.StartTaskExecution(ctx, in)
	if err != nil {
		return "", fmt.Errorf("start DataSync's task: %w", err)
	}
	return aws.ToString(out.TaskExecutionArn), nil
}

// An executionState is the state of an execution.
type executionState struct {
	ended     bool
	canceling bool
	failure   string // why it failed, if it has ended; "" if it succeeded
}

// errNoExecution means that there is no execution with this ARN.
var errNoExecution = errors.New("there is no such execution")

func (t task) describe(ctx context.Context, arn string) (e executionState, err error) {
	out, err := t.client.DescribeTaskExecution(ctx, &datasync.DescribeTaskExecutionInput{TaskExecutionArn: &arn})
	if invalid := (*types.InvalidRequestException)(nil); errors.As(err, &invalid) { // only the ARN can be invalid
		return e, fmt.Errorf("%w: %w", errNoExecution, err)
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
