package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/atelier-go/atelier/pkg/job"
)

// Limits of SQS.
const (
	MaxBatch = 10               // messages per call
	MaxWait  = 20 * time.Second // of a long poll
)

// Receive waits for messages for up to wait (at most [MaxWait]) and returns up to max of them (1 to
// [MaxBatch]). Each is hidden from other receivers for visibility. Times are rounded up to whole
// seconds. No message is not an error; with a wait of 0 the result may be empty although the queue
// has messages. After an error, also one because ctx was canceled, messages may have been received:
// they are delivered again when their visibility ends.
func (q *Queue) Receive(ctx context.Context, max int, wait, visibility time.Duration) ([]job.Delivery, error) {
	url, err := q.address(ctx)
	if err != nil {
		return nil, fmt.Errorf("receive: %w", err)
	}
	out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:                    url,
		MaxNumberOfMessages:         int32(min(max, MaxBatch)), //nolint:gosec // at most ten
		WaitTimeSeconds:             seconds(min(wait, MaxWait)),
		VisibilityTimeout:           seconds(visibility),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameApproximateReceiveCount},
		MessageAttributeNames:       []string{requestID},
	})
	if err != nil {
		return nil, fmt.Errorf("receive: %w", explainNoQueue(q.client, err))
	}
	ds := make([]job.Delivery, len(out.Messages))
	for i, m := range out.Messages {
		n, _ := strconv.Atoi(m.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)]) // 0 where absent
		ds[i] = job.Delivery{
			ID: aws.ToString(m.MessageId), Body: aws.ToString(m.Body), Received: n, Handle: aws.ToString(m.ReceiptHandle),
			Request: aws.ToString(m.MessageAttributes[requestID].StringValue),
		}
	}
	return ds, nil
}

// Extend hides a delivery for visibility from now on, up to 12 hours after its receive. A
// visibility of 0 makes it visible at once. After an error another receiver may have the message.
func (q *Queue) Extend(ctx context.Context, d job.Delivery, visibility time.Duration) error {
	url, err := q.address(ctx)
	if err != nil {
		return fmt.Errorf("extend message %s: %w", d.ID, err)
	}
	_, err = q.client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: url, ReceiptHandle: &d.Handle, VisibilityTimeout: seconds(visibility),
	})
	if err != nil {
		return fmt.Errorf("extend message %s: %w", d.ID, explainNoQueue(q.client, err))
	}
	return nil
}

// Delete removes a message whose processing has ended. It returns nil if the message is already
// deleted, because some emulators refuse the second delete that SQS allows. It also returns nil for
// a handle from before a redelivery; the message may then stay in the queue and be delivered again.
func (q *Queue) Delete(ctx context.Context, d job.Delivery) error {
	url, err := q.address(ctx)
	if err != nil {
		return fmt.Errorf("delete message %s: %w", d.ID, err)
	}
	_, err = q.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: &d.Handle})
	var gone *types.ReceiptHandleIsInvalid
	if err != nil && !errors.As(err, &gone) {
		return fmt.Errorf("delete message %s: %w", d.ID, explainNoQueue(q.client, err))
	}
	return nil
}

// seconds returns d in whole seconds, rounded up, so that a short time does not become 0.
func seconds(d time.Duration) int32 {
	return int32((d + time.Second - 1) / time.Second) //nolint:gosec // hours at most
}
