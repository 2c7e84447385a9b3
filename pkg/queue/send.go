package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/atelier-go/atelier/pkg/job"
)

// Send sends the message that names a job's run. After an error the message may or may not be in
// the queue.
func (q *Queue) Send(ctx context.Context, m job.Message) error {
	url, err := q.address(ctx)
	if err != nil {
		return fmt.Errorf("send job %s: %w", m.Job, err)
	}
	_, err = q.client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: url, MessageBody: aws.String(m.Encode()), MessageGroupId: group(m), MessageAttributes: attributesOf(m),
	})
	if err != nil {
		return fmt.Errorf("send job %s: %w", m.Job, explainNoQueue(q.client, err))
	}
	return nil
}

// group returns the message group, which makes a standard queue fair: no owner's jobs delay those
// of others.
func group(m job.Message) *string {
	if m.Group == "" {
		return nil
	}
	return &m.Group
}

// requestID is the name of the message attribute that carries [job.Message.Request].
const requestID = "request_id"

func attributesOf(m job.Message) map[string]types.MessageAttributeValue {
	if m.Request == "" {
		return nil
	}
	return map[string]types.MessageAttributeValue{requestID: {DataType: aws.String("String"), StringValue: &m.Request}}
}

// SendAll sends many messages, in batches of [MaxBatch]. Its error is an [*UnsentError] with the
// messages that may not be in the queue; all others were sent. If the service refuses a message,
// the rest is sent nevertheless. If a call fails, SendAll stops, because the next call would fail
// too.
func (q *Queue) SendAll(ctx context.Context, ms []job.Message) error {
	unsent := &UnsentError{Of: len(ms)}
	for start := 0; start < len(ms); start += MaxBatch {
		batch := ms[start:min(start+MaxBatch, len(ms))]
		refused, err := q.sendBatch(ctx, batch)
		if err != nil {
			unsent.add(err, ms[start:]...)
			break
		}
		for i, m := range batch {
			if refused[i] != nil {
				unsent.add(refused[i], m)
			}
		}
	}
	return unsent.errorOrNil()
}

// sendBatch returns for each message the reason why it was refused, or nil if it was sent.
func (q *Queue) sendBatch(ctx context.Context, ms []job.Message) ([]error, error) {
	url, err := q.address(ctx)
	if err != nil {
		return nil, err
	}
	entries := make([]types.SendMessageBatchRequestEntry, len(ms))
	for i, m := range ms {
		entries[i] = types.SendMessageBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(m.Encode()), MessageGroupId: group(m), MessageAttributes: attributesOf(m),
		}
	}
	out, err := q.client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: url, Entries: entries})
	if err != nil {
		return nil, explainNoQueue(q.client, err)
	}
	// An entry that is missing in the response counts as not sent.
	refused := make([]error, len(ms))
	for i := range refused {
		refused[i] = errNotConfirmed
	}
	for _, failed := range out.Failed {
		if i := entryIndex(failed.Id, ms); i >= 0 {
			refused[i] = fmt.Errorf("%s: %s", aws.ToString(failed.Code), aws.ToString(failed.Message))
		}
	}
	for _, sent := range out.Successful {
		if i := entryIndex(sent.Id, ms); i >= 0 {
			refused[i] = nil
		}
	}
	return refused, nil
}

var errNotConfirmed = errors.New("the service's response does not mention it")

// entryIndex returns the index that an entry's id stands for; -1 if it stands for none.
func entryIndex(id *string, ms []job.Message) int {
	if i, err := strconv.Atoi(aws.ToString(id)); err == nil && i >= 0 && i < len(ms) {
		return i
	}
	return -1
}
