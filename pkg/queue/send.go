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

// Send announces a run of a job. After an error the message may or may not be
// in the queue.
func (q *Queue) Send(ctx context.Context, m job.Message) error {
	url, err := q.address(ctx)
	if err != nil {
		return fmt.Errorf("send job %s: %w", m.Job, err)
	}
	_, err = q.client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: url, MessageBody: aws.String(m.Encode()), MessageGroupId: group(m), MessageAttributes: attributesOf(m),
	})
	if err != nil {
		return fmt.Errorf("send job %s: %w", m.Job, explain(q.client, err))
	}
	return nil
}

// group makes a standard queue fair: no owner's jobs keep those of others waiting.
func group(m job.Message) *string {
	if m.Group == "" {
		return nil
	}
	return &m.Group
}

// requestID is the name of the message attribute for [job.Message.Request].
const requestID = "request_id"

func attributesOf(m job.Message) map[string]types.MessageAttributeValue {
	if m.Request == "" {
		return nil
	}
	return map[string]types.MessageAttributeValue{requestID: {DataType: aws.String("String"), StringValue: &m.Request}}
}

// SendAll announces many runs, in batches of [MaxBatch]. The error is an
// [*UnsentError] naming those that may not be in the queue, which can be sent
// again: the others are. What the service refuses singly does not stop the rest;
// a call that fails does, since the next one would too.
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
	return unsent.orNil()
}

// sendBatch answers for each message why it was refused: nil if it was sent.
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
		return nil, explain(q.client, err)
	}
	// By what is confirmed, so that an entry which the answer forgets counts as not sent.
	refused := make([]error, len(ms))
	for i := range refused {
		refused[i] = errForgotten
	}
	for _, failed := range out.Failed {
		if i := index(failed.Id, ms); i >= 0 {
			refused[i] = fmt.Errorf("%s: %s", aws.ToString(failed.Code), aws.ToString(failed.Message))
		}
	}
	for _, sent := range out.Successful {
		if i := index(sent.Id, ms); i >= 0 {
			refused[i] = nil
		}
	}
	return refused, nil
}

var errForgotten = errors.New("the service's answer does not mention it")

// index reads an entry's id, which is the message's index; -1 for another.
func index(id *string, ms []job.Message) int {
	if i, err := strconv.Atoi(aws.ToString(id)); err == nil && i >= 0 && i < len(ms) {
		return i
	}
	return -1
}
