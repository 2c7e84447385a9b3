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

// The bounds that SQS sets.
const (
	MaxBatch = 10               // messages in one call
	MaxWait  = 20 * time.Second // of one long poll
)

// Receive waits up to wait (at most [MaxWait]) for messages and takes up to max
// of them (1 to [MaxBatch]), each hidden from other receivers for visibility.
// An empty answer is no error, and with a wait of 0 no proof that there is
// nothing. Times are whole seconds, rounded up. After an error, an ended ctx
// among them, messages may have been taken all the same: they come again.
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
		return nil, fmt.Errorf("receive: %w", explain(q.client, err))
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

// Extend keeps a delivery hidden for visibility from now on, 12 hours after its
// receive at most; 0 hands it back at once. An error may mean that the message
// is not this receiver's any more.
func (q *Queue) Extend(ctx context.Context, d job.Delivery, visibility time.Duration) error {
	url, err := q.address(ctx)
	if err != nil {
		return fmt.Errorf("extend message %s: %w", d.ID, err)
	}
	_, err = q.client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: url, ReceiptHandle: &d.Handle, VisibilityTimeout: seconds(visibility),
	})
	if err != nil {
		return fmt.Errorf("extend message %s: %w", d.ID, explain(q.client, err))
	}
	return nil
}

// Delete removes a message that is done with. A message that is gone already is
// no error: AWS allows a second delete and some emulators don't. Nor is a handle
// from before a redelivery, but then the message may stay and come again.
func (q *Queue) Delete(ctx context.Context, d job.Delivery) error {
	url, err := q.address(ctx)
	if err != nil {
		return fmt.Errorf("delete message %s: %w", d.ID, err)
	}
	_, err = q.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: &d.Handle})
	var gone *types.ReceiptHandleIsInvalid
	if err != nil && !errors.As(err, &gone) {
		return fmt.Errorf("delete message %s: %w", d.ID, explain(q.client, err))
	}
	return nil
}

// seconds rounds up, so that a short time does not become none.
func seconds(d time.Duration) int32 {
	return int32((d + time.Second - 1) / time.Second) //nolint:gosec // hours at most
}
