// Package queue carries job messages over Amazon SQS, or anything that speaks
// its protocol. It is the only code that imports the SQS client. Where the
// queue is comes from the SDK's own settings (AWS_REGION, AWS_ENDPOINT_URL,
// credentials), so that an emulator is only another endpoint.
//
// Delivery is at least once: the same message can come twice, late or out of
// order. A Queue is safe for concurrent use.
package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/atelier-go/atelier/pkg/job"
)

// The bounds that SQS sets.
const (
	MaxBatch = 10               // messages in one Receive
	MaxWait  = 20 * time.Second // of one long poll
)

// A Queue is a connection to one queue.
type Queue struct {
	client *sqs.Client
	url    string
}

// Open finds a queue by its name or its URL. It asks the queue service once, so
// that a wrong name shows at the start and not with the first job.
func Open(ctx context.Context, cfg aws.Config, nameOrURL string) (*Queue, error) {
	q := &Queue{client: sqs.NewFromConfig(cfg), url: nameOrURL}
	if !strings.Contains(nameOrURL, "://") {
		out, err := q.client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &nameOrURL})
		if err != nil {
			return nil, fmt.Errorf("open queue %s: %w", nameOrURL, err)
		}
		q.url = aws.ToString(out.QueueUrl)
		return q, nil
	}
	if err := q.Check(ctx); err != nil {
		return nil, err
	}
	return q, nil
}

// URL is the queue's address.
func (q *Queue) URL() string { return q.url }

// Check asks the queue service whether the queue is there.
func (q *Queue) Check(ctx context.Context) error {
	_, err := q.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl:       &q.url,
		AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages},
	})
	if err != nil {
		return fmt.Errorf("check queue %s: %w", q.url, err)
	}
	return nil
}

// Send announces a run of a job. After an error the message may or may not be
// in the queue.
func (q *Queue) Send(ctx context.Context, m job.Message) error {
	_, err := q.client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: aws.String(m.Encode())})
	if err != nil {
		return fmt.Errorf("send job %s: %w", m.Job, err)
	}
	return nil
}

// Receive waits up to wait (at most [MaxWait]) for messages and takes up to max
// of them (at most [MaxBatch]), each hidden from other receivers for visibility.
// An empty answer is no error.
func (q *Queue) Receive(ctx context.Context, max int, wait, visibility time.Duration) ([]job.Delivery, error) {
	out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:                    &q.url,
		MaxNumberOfMessages:         int32(min(max, MaxBatch)), //nolint:gosec // at most ten
		WaitTimeSeconds:             seconds(min(wait, MaxWait)),
		VisibilityTimeout:           seconds(visibility),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameApproximateReceiveCount},
	})
	if err != nil {
		return nil, fmt.Errorf("receive: %w", err)
	}
	ds := make([]job.Delivery, len(out.Messages))
	for i, m := range out.Messages {
		n, _ := strconv.Atoi(m.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)]) // 0 where absent
		ds[i] = job.Delivery{ID: aws.ToString(m.MessageId), Body: aws.ToString(m.Body), Received: n, Handle: aws.ToString(m.ReceiptHandle)}
	}
	return ds, nil
}

// Extend keeps a delivery hidden for another d from now on; 0 hands it back at
// once.
func (q *Queue) Extend(ctx context.Context, d job.Delivery, visibility time.Duration) error {
	_, err := q.client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &q.url, ReceiptHandle: &d.Handle, VisibilityTimeout: seconds(visibility),
	})
	if err != nil {
		return fmt.Errorf("extend message %s: %w", d.ID, err)
	}
	return nil
}

// Delete removes a message that is done with. A message that is gone already is
// no error: AWS allows a second delete and some emulators don't.
func (q *Queue) Delete(ctx context.Context, d job.Delivery) error {
	_, err := q.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &q.url, ReceiptHandle: &d.Handle})
	var gone *types.ReceiptHandleIsInvalid
	if err != nil && !errors.As(err, &gone) {
		return fmt.Errorf("delete message %s: %w", d.ID, err)
	}
	return nil
}

// seconds rounds up, so that a short time does not become none.
func seconds(d time.Duration) int32 {
	return int32((d + time.Second - 1) / time.Second) //nolint:gosec // hours at most
}
