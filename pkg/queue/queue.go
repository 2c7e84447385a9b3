// Package queue carries job messages over Amazon SQS, or anything that speaks
// its protocol. It is the only code that imports the SQS client. Where the
// queue is comes from the SDK's own settings (AWS_REGION, AWS_ENDPOINT_URL,
// credentials), so that an emulator is only another endpoint.
//
// What the pipeline relies on, and queuetest holds every backend to:
//
//   - A message whose Send succeeded is delivered at least once, in any order,
//     until it is deleted, its retention is over or it went to the dead-letter
//     queue. The same message can come twice, even while it should be hidden.
//   - A received message is hidden for the visibility asked for, counted from
//     the receive or from the last Extend, and then comes again.
//   - Each delivery says how often the message was received, at least roughly.
//
// Nothing else: neither order, nor exactly once, nor exact counts. Where the queue is
// fair, as SQS's standard queues are, messages of an owner with many don't delay those of
// others: each is sent with its owner's group (MessageGroupId).
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

// ErrNoQueue says that there is no queue of this name or URL.
var ErrNoQueue = errors.New("there is no such queue")

// A Queue is a connection to one queue. It is safe for concurrent use.
type Queue struct {
	client *sqs.Client
	name   string                 // as it was given: a name or a URL
	url    atomic.Pointer[string] // nil while it is not known
}

// New connects to a queue by its name or its URL. It sends no request: a queue that is
// not there shows at the first use, whose error wraps [ErrNoQueue] and says what to do. A
// name costs one request more at the first use, for the URL.
func New(cfg aws.Config, nameOrURL string) *Queue { return newQueue(newClient(cfg), nameOrURL) }

// Open is [New] for programs that are to fail at their start where the queue is not
// there: it asks the queue service once.
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
	return sqs.NewFromConfig(cfg, func(o *sqs.Options) { o.HTTPClient = awshttp.Whole(o.HTTPClient) })
}

func newQueue(client *sqs.Client, nameOrURL string) *Queue {
	q := &Queue{client: client, name: nameOrURL}
	if strings.Contains(nameOrURL, "://") {
		q.url.Store(&nameOrURL)
	}
	return q
}

// address is the queue's URL, which is asked for where it is not known yet.
func (q *Queue) address(ctx context.Context) (*string, error) {
	if url := q.url.Load(); url != nil {
		return url, nil
	}
	out, err := q.client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &q.name})
	if err != nil {
		return nil, fmt.Errorf("open queue %s: %w", q.name, explain(q.client, err))
	}
	q.url.Store(out.QueueUrl)
	return out.QueueUrl, nil
}

// URL is the queue's address, or its name while the address is not known.
func (q *Queue) URL() string {
	if url := q.url.Load(); url != nil {
		return *url
	}
	return q.name
}

// Check asks the queue service whether the queue is there. The error for one
// that is not wraps [ErrNoQueue].
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
		return nil, explain(q.client, err)
	}
	return out.Attributes, nil
}

// explain says what to do about a queue that is not there: usually the name is
// right and the region or the endpoint is not.
func explain(client *sqs.Client, err error) error {
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
