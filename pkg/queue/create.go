package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
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
	// mapping, for which it must be six times the function's timeout or more. The
	// daemon says; what a function that dies leaves hidden the sweeper sends again.
	visibility = 6 * time.Minute
	// retention is the longest that SQS offers.
	retention = 14 * 24 * time.Hour
)

// Create makes the queue name and its dead-letter queue name-dead, as the
// pipeline needs them, for local stacks and tests; in the cloud the
// deployment's template does this. A queue that exists already with the same
// settings is left as it is.
func Create(ctx context.Context, cfg aws.Config, name string) (*Queue, error) {
	return createWith(ctx, cfg, name, maxReceives)
}

// createWith makes no dead-letter queue where receives is 0.
func createWith(ctx context.Context, cfg aws.Config, name string, receives int) (*Queue, error) {
	client := newClient(cfg)
	settings := map[string]string{
		string(types.QueueAttributeNameVisibilityTimeout): strconv.Itoa(int(visibility.Seconds())),
	}
	if receives > 0 {
		redrive, err := createDead(ctx, client, name+"-dead", receives)
		if err != nil {
			return nil, err
		}
		settings[string(types.QueueAttributeNameRedrivePolicy)] = redrive
	}
	return create(ctx, client, name, settings)
}

// createDead makes a dead-letter queue and answers the policy that leads to it.
func createDead(ctx context.Context, client *sqs.Client, name string, receives int) (string, error) {
	dead, err := create(ctx, client, name, nil)
	if err != nil {
		return "", err
	}
	attributes, err := dead.attributes(ctx, types.QueueAttributeNameQueueArn)
	if err != nil {
		return "", fmt.Errorf("create queue %s: %w", name, err)
	}
	policy, err := json.Marshal(map[string]string{
		"deadLetterTargetArn": attributes[string(types.QueueAttributeNameQueueArn)],
		"maxReceiveCount":     strconv.Itoa(receives),
	})
	if err != nil {
		return "", fmt.Errorf("create queue %s: %w", name, err)
	}
	return string(policy), nil
}

func create(ctx context.Context, client *sqs.Client, name string, settings map[string]string) (*Queue, error) {
	all := map[string]string{string(types.QueueAttributeNameMessageRetentionPeriod): strconv.Itoa(int(retention.Seconds()))}
	maps.Copy(all, settings)
	out, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: all})
	if err != nil {
		return nil, fmt.Errorf("create queue %s: %w", name, err)
	}
	return newQueue(client, aws.ToString(out.QueueUrl)), nil
}
