// Package queueserver serves queues of package queuefake over HTTP, as SQS does (AWS JSON 1.0), so that real programs
// can be tried with faults and at a speed that no emulator has. It takes any signature. No production program may
// link it.
package queueserver

import (
	"context"
	"crypto/md5" //nolint:gosec // SQS's checksum, which clients verify
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue/queuefake"
)

// A Server is an [http.Handler]. Its queues are added before it serves.
type Server struct {
	mu     sync.Mutex
	queues map[string]*queuefake.Queue
	away   bool
}

// Add serves a queue under a name, and its dead-letter queue, if it has one, under the name with -dead at its end.
func (s *Server) Add(name string, q *queuefake.Queue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queues == nil {
		s.queues = map[string]*queuefake.Queue{}
	}
	s.queues[name] = q
	if dead, err := q.Dead(context.Background()); err == nil {
		s.queues[name+deadSuffix] = dead
	}
}

const deadSuffix = "-dead"

// SetAway has every request answered with 503 from now on, or no more.
func (s *Server) SetAway(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

// ServeHTTP is one call of SQS.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		refuse(w, http.StatusBadRequest, "InvalidRequest", err)
		return
	}
	_, call, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	var in struct{ QueueUrl, QueueName string }
	if err := json.Unmarshal(body, &in); err != nil {
		refuse(w, http.StatusBadRequest, "InvalidRequest", err)
		return
	}
	name := in.QueueName
	if name == "" {
		name = path.Base(in.QueueUrl)
	}
	s.mu.Lock()
	away, q := s.away, s.queues[name]
	s.mu.Unlock()
	switch {
	case away:
		refuse(w, http.StatusServiceUnavailable, "ServiceUnavailable", errors.New("it is away"))
		return
	case q == nil:
		refuse(w, http.StatusBadRequest, "QueueDoesNotExist", fmt.Errorf("there is no queue %q", name))
		return
	}
	c := request{ctx: r.Context(), queue: q, name: name, host: r.Host, body: body}
	do := map[string]func() (any, error){
		"GetQueueUrl":             c.url,
		"CreateQueue":             c.url,
		"GetQueueAttributes":      c.attributes,
		"SendMessage":             c.send,
		"SendMessageBatch":        c.sendBatch,
		"ReceiveMessage":          c.receive,
		"DeleteMessage":           c.delete,
		"ChangeMessageVisibility": c.extend,
	}[call]
	if do == nil {
		refuse(w, http.StatusBadRequest, "InvalidAction", fmt.Errorf("%q is not served", call))
		return
	}
	out, err := do()
	switch {
	case errors.Is(err, queuefake.ErrNotInFlight):
		refuse(w, http.StatusBadRequest, "MessageNotInflight", err)
	case err != nil:
		refuse(w, http.StatusServiceUnavailable, "ServiceUnavailable", err)
	default:
		w.Header().Set("Content-Type", contentType)
		_ = json.NewEncoder(w).Encode(out) // else the client has gone
	}
}

const contentType = "application/x-amz-json-1.0"

func refuse(w http.ResponseWriter, status int, code string, err error) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": "com.amazonaws.sqs#" + code, "message": err.Error()})
}

// A request is a call to a queue.
type request struct {
	ctx   context.Context
	queue *queuefake.Queue
	name  string
	host  string
	body  []byte
}

func (r request) url() (any, error) {
	return map[string]string{"QueueUrl": "http://" + r.host + "/000000000000/" + r.name}, nil
}

func (r request) attributes() (any, error) {
	d, err := r.queue.Depth(r.ctx)
	if err != nil {
		return nil, err
	}
	all := map[types.QueueAttributeName]string{
		types.QueueAttributeNameApproximateNumberOfMessages:           strconv.Itoa(d.Visible),
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible: strconv.Itoa(d.InFlight),
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed:    strconv.Itoa(d.Delayed),
		types.QueueAttributeNameVisibilityTimeout:                     "360",
		types.QueueAttributeNameQueueArn:                              arn(r.name),
	}
	if _, err := r.queue.Dead(r.ctx); err == nil {
		all[types.QueueAttributeNameRedrivePolicy] = fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":10}`, arn(r.name+deadSuffix))
	}
	return map[string]any{"Attributes": all}, nil
}

func arn(name string) string { return "arn:aws:sqs:us-east-1:000000000000:" + name }

// put sends a message: one of ours with its group and request, or any other.
func (r request) put(body, group string, attributes map[string]types.MessageAttributeValue, delay int32) error {
	m, err := job.DecodeMessage(body)
	if err != nil {
		return r.queue.SendRaw(r.ctx, body, time.Duration(delay)*time.Second)
	}
	m.Group = group
	for _, a := range attributes {
		m.Request = aws.ToString(a.StringValue)
	}
	return r.queue.Send(r.ctx, m)
}

func sum(body string) *string {
	h := md5.Sum([]byte(body)) //nolint:gosec // as above
	return aws.String(hex.EncodeToString(h[:]))
}

func (r request) send() (any, error) {
	var in sqs.SendMessageInput
	if err := json.Unmarshal(r.body, &in); err != nil {
		return nil, err
	}
	body := aws.ToString(in.MessageBody)
	if err := r.put(body, aws.ToString(in.MessageGroupId), in.MessageAttributes, in.DelaySeconds); err != nil {
		return nil, err
	}
	return map[string]*string{"MessageId": aws.String("sent"), "MD5OfMessageBody": sum(body)}, nil
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
		body := aws.ToString(e.MessageBody)
		if err := r.put(body, aws.ToString(e.MessageGroupId), e.MessageAttributes, e.DelaySeconds); err != nil {
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: aws.String("ServiceUnavailable"), Message: aws.String(err.Error())})
			continue
		}
		out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: e.Id, MessageId: aws.String("sent"), MD5OfMessageBody: sum(body)})
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
	visibility := 6 * time.Minute
	if in.VisibilityTimeout != nil {
		visibility = time.Duration(*in.VisibilityTimeout) * time.Second
	}
	ds, err := r.queue.Receive(r.ctx, in.MaxNumberOfMessages, time.Duration(in.WaitTimeSeconds)*time.Second, visibility)
	if err != nil {
		return nil, err
	}
	all := []types.Message{}
	for _, d := range ds {
		m := types.Message{
			MessageId: &d.ID, Body: &d.Body, MD5OfBody: sum(d.Body), ReceiptHandle: &d.Handle,
			Attributes: map[string]string{string(types.MessageSystemAttributeNameApproximateReceiveCount): strconv.Itoa(d.Received)},
		}
		if d.Request != "" {
			m.MessageAttributes = map[string]types.MessageAttributeValue{"request_id": {DataType: aws.String("String"), StringValue: &d.Request}}
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
