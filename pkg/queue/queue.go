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
// Nothing else: neither order, nor exactly once, nor exact counts.
package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"

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
	url    string
}

// Open finds a queue by its name or its URL. It asks the queue service once, so
// that a wrong name shows at the start and not with the first job. The error
// for a queue that is not there wraps [ErrNoQueue] and says what to do.
func Open(ctx context.Context, cfg aws.Config, nameOrURL string) (*Queue, error) {
	client := newClient(cfg)
	if strings.Contains(nameOrURL, "://") {
		q := &Queue{client, nameOrURL}
		if err := q.Check(ctx); err != nil {
			return nil, err
		}
		return q, nil
	}
	return open(ctx, client, nameOrURL)
}

func newClient(cfg aws.Config) *sqs.Client {
	return sqs.NewFromConfig(cfg, func(o *sqs.Options) { o.HTTPClient = awshttp.Whole(o.HTTPClient) })
}

func open(ctx context.Context, client *sqs.Client, name string) (*Queue, error) {
	out, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		return nil, fmt.Errorf("open queue %s: %w", name, explain(client, err))
	}
	return &Queue{client, aws.ToString(out.QueueUrl)}, nil
}

// URL is the queue's address.
func (q *Queue) URL() string { return q.url }

// Check asks the queue service whether the queue is there. The error for one
// that is not wraps [ErrNoQueue].
func (q *Queue) Check(ctx context.Context) error {
	if _, err := q.attributes(ctx, types.QueueAttributeNameApproximateNumberOfMessages); err != nil {
		return fmt.Errorf("check queue %s: %w", q.url, explain(q.client, err))
	}
	return nil
}

func (q *Queue) attributes(ctx context.Context, names ...types.QueueAttributeName) (map[string]string, error) {
	out, err := q.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &q.url, AttributeNames: names})
	if err != nil {
		return nil, err
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
