// Package queue sends job messages to Amazon SQS, or to any service with its protocol, and receives
// them. It is the only package that imports the SQS client. Region, endpoint and credentials come
// from the SDK's own settings (AWS_REGION, AWS_ENDPOINT_URL, …), so an emulator is used by its
// endpoint.
//
// The pipeline relies on the following, which queuetest checks for every backend:
//
//   - A message whose Send succeeded is delivered at least once, in any order, until it is deleted, its
//     retention ends or it is moved to the dead-letter queue. A message may be delivered twice, even
//     while it should be hidden.
//   - A received message is hidden for the requested visibility, counted from the receive or from the
//     last Extend. Then it is delivered again.
//   - Each delivery has an approximate count of receives.
//
// The pipeline relies on neither order, nor delivery exactly once, nor exact counts. Each message
// has its owner's group (MessageGroupId). In a fair queue, as SQS's standard queues are, the
// messages of an owner with many jobs therefore don't delay those of other owners.
package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/atelier-go/atelier/pkg/awshttp"
)

// ErrNoQueue means that no queue has the given name or URL.
var ErrNoQueue = errors.New("there is no such queue")

// A Queue is a connection to one queue. It is safe for concurrent use.
type Queue struct {
	client *sqs.Client
	name   string                 // as given to New: a name or a URL
	url    atomic.Pointer[string] // nil until it is known
}

// New returns a connection to the queue with a name or URL. It sends no request. If the queue is
// missing, the first use returns an error that wraps [ErrNoQueue] and says what to do. With a name,
// the first use sends one more request, to get the URL.
func New(cfg aws.Config, nameOrURL string) *Queue { return newQueue(newClient(cfg), nameOrURL) }

// Open is like [New], but checks with one request that the queue exists, for programs that must not
// start without it.
func Open(ctx context.Context, cfg aws.Config, nameOrURL string) (*Queue, error) {
	q := New(cfg, nameOrURL)
	var err error
	if q.url.Load() != nil {
		err = q.Check(ctx)
	} else {
		_, err = q.address(ctx)
	}
	if err != nil {
		return nil, err
	}
	return q, nil
}

func newClient(cfg aws.Config) *sqs.Client {
	return sqs.NewFromConfig(cfg, func(o *sqs.Options) { o.HTTPClient = awshttp.WithoutResends(o.HTTPClient) })
}

func newQueue(client *sqs.Client, nameOrURL string) *Queue {
	q := &Queue{client: client, name: nameOrURL}
	if strings.Contains(nameOrURL, "://") {
		q.url.Store(&nameOrURL)
	}
	return q
}

// address returns the queue's URL. If only the name is known, it requests the URL.
func (q *Queue) address(ctx context.Context) (*string, error) {
	if url := q.url.Load(); url != nil {
		return url, nil
	}
	out, err := q.client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &q.name})
	if err != nil {
		return nil, fmt.Errorf("open queue %s: %w", q.name, explainNoQueue(q.client, err))
	}
	q.url.Store(out.QueueUrl)
	return out.QueueUrl, nil
}

// URL returns the queue's URL, or its name while the URL is not known.
func (q *Queue) URL() string {
	if url := q.url.Load(); url != nil {
		return *url
	}
	return q.name
}

// Check makes one request to find out whether the queue exists. If it does not, the error wraps
// [ErrNoQueue].
func (q *Queue) Check(ctx context.Context) error {
	if _, err := q.attributes(ctx, types.QueueAttributeNameApproximateNumberOfMessages); err != nil {
		return fmt.Errorf("check queue %s: %w", q.URL(), err)
	}
	return nil
}

func (q *Queue) attributes(ctx context.Context, names ...types.QueueAttributeName) (map[string]string, error) {
	url, err := q.address(ctx)
	if err != nil {
		return nil, err
	}
	out, err := q.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: names})
	if err != nil {
		return nil, explainNoQueue(q.client, err)
	}
	return out.Attributes, nil
}

// explainNoQueue adds advice to the error for a missing queue. Usually the name is right, and the
// region or the endpoint is wrong.
func explainNoQueue(client *sqs.Client, err error) error {
	var none *types.QueueDoesNotExist
	if !errors.As(err, &none) {
		return err
	}
	where := "region " + client.Options().Region
	if at := aws.ToString(client.Options().BaseEndpoint); at != "" {
		where += " at " + at
	}
	return fmt.Errorf("%w in %s: check the queue's name or URL, AWS_REGION and AWS_ENDPOINT_URL, or create it with the deployment's template (%w)", ErrNoQueue, where, err)
}
