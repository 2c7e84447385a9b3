package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	// maxReceives is only a backstop: attempts are counted in the store, and
	// throttling, drains and duplicates cost receives without being attempts.
	maxReceives = 10
	// visibility is what a message gets from whoever does not say: the event source
	// mapping, for which it must be six times the function's timeout or more.
	// Workers say, and shorten it.
	visibility = 6 * time.Minute
	// retention is the longest that SQS offers.
	retention = 14 * 24 * time.Hour
)

// Create makes the queue name and its dead-letter queue name-dead, as the
// pipeline needs them, for local stacks and tests; in the cloud the
// deployment's template does this. A queue that exists already with the same
// settings is left as it is.
func Create(ctx context.Context, cfg aws.Config, name string) (*Queue, error) {
	client := sqs.NewFromConfig(cfg)
	dead := name + "-dead"
	deadURL, err := create(ctx, client, dead, nil)
	if err != nil {
		return nil, err
	}
	attrs, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &deadURL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	})
	if err != nil {
		return nil, fmt.Errorf("create queue %s: %w", dead, err)
	}
	redrive, err := json.Marshal(map[string]string{
		"deadLetterTargetArn": attrs.Attributes[string(types.QueueAttributeNameQueueArn)],
		"maxReceiveCount":     strconv.Itoa(maxReceives),
	})
	if err != nil {
		return nil, fmt.Errorf("create queue %s: %w", name, err)
	}
	url, err := create(ctx, client, name, map[string]string{
		string(types.QueueAttributeNameRedrivePolicy):     string(redrive),
		string(types.QueueAttributeNameVisibilityTimeout): strconv.Itoa(int(visibility.Seconds())),
	})
	if err != nil {
		return nil, err
	}
	return &Queue{client: client, url: url}, nil
}

func create(ctx context.Context, client *sqs.Client, name string, attributes map[string]string) (string, error) {
	all := map[string]string{string(types.QueueAttributeNameMessageRetentionPeriod): strconv.Itoa(int(retention.Seconds()))}
	for k, v := range attributes {
		all[k] = v
	}
	out, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: all})
	if err != nil {
		return "", fmt.Errorf("create queue %s: %w", name, err)
	}
	return aws.ToString(out.QueueUrl), nil
}
