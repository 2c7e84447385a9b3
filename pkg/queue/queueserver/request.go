package queueserver

import (
	"context"
	"crypto/md5" //nolint:gosec // SQS's checksum, which clients verify
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue/queuefake"
)

// A request is a call of the API for a queue.
type request struct {
	ctx   context.Context
	queue *namedQueue
	name  string
	host  string
	body  []byte
}

// requestID is the message attribute that carries [job.Message.Request].
const requestID = "request_id"

func (r request) url() (any, error) {
	return map[string]string{"QueueUrl": "http://" + r.host + "/000000000000/" + r.name}, nil
}

// defaultVisibility applies to requests that receive messages without giving a visibility.
const defaultVisibility = 6 * time.Minute

func (r request) attributes() (any, error) {
	d, err := r.queue.Depth(r.ctx)
	if err != nil {
		return nil, err
	}
	all := map[types.QueueAttributeName]string{
		types.QueueAttributeNameApproximateNumberOfMessages:           strconv.Itoa(d.Visible),
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible: strconv.Itoa(d.InFlight),
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed:    strconv.Itoa(d.Delayed),
		types.QueueAttributeNameVisibilityTimeout:                     strconv.Itoa(int(defaultVisibility.Seconds())),
		types.QueueAttributeNameQueueArn:                              arn(r.name),
	}
	if r.queue.redrive != "" {
		all[types.QueueAttributeNameRedrivePolicy] = r.queue.redrive
	}
	return map[string]any{"Attributes": all}, nil
}

// sendMessage sends a message.
func (r request) sendMessage(body, group *string, attributes map[string]types.MessageAttributeValue, delay int32) error {
	return r.queue.SendMessage(r.ctx, queuefake.RawMessage{
		Body: aws.ToString(body), Group: aws.ToString(group),
		Request: aws.ToString(attributes[requestID].StringValue), Delay: time.Duration(delay) * time.Second,
	})
}

func bodyMD5(body *string) *string {
	h := md5.Sum([]byte(aws.ToString(body))) //nolint:gosec // as above
	return aws.String(hex.EncodeToString(h[:]))
}

func (r request) send() (any, error) {
	var in sqs.SendMessageInput
	if err := json.Unmarshal(r.body, &in); err != nil {
		return nil, err
	}
	if err := r.sendMessage(in.MessageBody, in.MessageGroupId, in.MessageAttributes, in.DelaySeconds); err != nil {
		return nil, err
	}
	return map[string]*string{"MessageId": aws.String("sent"), "MD5OfMessageBody": bodyMD5(in.MessageBody)}, nil
}

func (r request) sendBatch() (any, error) {
	var in sqs.SendMessageBatchInput
	if err := json.Unmarshal(r.body, &in); err != nil {
		return nil, err
	}
	out := struct {
		Successful []types.SendMessageBatchResultEntry
		Failed     []types.BatchResultErrorEntry
	}{[]types.SendMessageBatchResultEntry{}, []types.BatchResultErrorEntry{}}
	for _, e := range in.Entries {
		if err := r.sendMessage(e.MessageBody, e.MessageGroupId, e.MessageAttributes, e.DelaySeconds); err != nil {
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{
				Id: e.Id, Code: aws.String("ServiceUnavailable"), Message: aws.String(err.Error()), SenderFault: errors.Is(err, queuefake.ErrInvalid),
			})
			continue
		}
		out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: e.Id, MessageId: aws.String("sent"), MD5OfMessageBody: bodyMD5(e.MessageBody)})
	}
	return out, nil
}

func (r request) receive() (any, error) {
	in := struct {
		MaxNumberOfMessages, WaitTimeSeconds int
		VisibilityTimeout                    *int
	}{MaxNumberOfMessages: 1}
	if err := json.Unmarshal(r.body, &in); err != nil {
		return nil, err
	}
	hidden := defaultVisibility
	if in.VisibilityTimeout != nil {
		hidden = time.Duration(*in.VisibilityTimeout) * time.Second
	}
	ds, err := r.queue.Receive(r.ctx, max(in.MaxNumberOfMessages, 1), time.Duration(in.WaitTimeSeconds)*time.Second, hidden)
	if err != nil {
		return nil, err
	}
	all := []types.Message{}
	for _, d := range ds {
		m := types.Message{
			MessageId: &d.ID, Body: &d.Body, MD5OfBody: bodyMD5(&d.Body), ReceiptHandle: &d.Handle,
			Attributes: map[string]string{string(types.MessageSystemAttributeNameApproximateReceiveCount): strconv.Itoa(d.Received)},
		}
		if d.Request != "" {
			m.MessageAttributes = map[string]types.MessageAttributeValue{requestID: {DataType: aws.String("String"), StringValue: &d.Request}}
		}
		all = append(all, m)
	}
	return map[string]any{"Messages": all}, nil
}

func (r request) delete() (any, error) {
	var in sqs.DeleteMessageInput
	if err := json.Unmarshal(r.body, &in); err != nil {
		return nil, err
	}
	return struct{}{}, r.queue.Delete(r.ctx, job.Delivery{Handle: aws.ToString(in.ReceiptHandle)})
}

func (r request) extend() (any, error) {
	var in sqs.ChangeMessageVisibilityInput
	if err := json.Unmarshal(r.body, &in); err != nil {
		return nil, err
	}
	return struct{}{}, r.queue.Extend(r.ctx, job.Delivery{Handle: aws.ToString(in.ReceiptHandle)}, time.Duration(in.VisibilityTimeout)*time.Second)
}
