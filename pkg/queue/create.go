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
	// maxReceives is a last limit. The attempts at a run are counted in the store. Messages are
	// received more often than that: throttling, draining workers and duplicates cause receives
	// that begin no attempt.
	maxReceives = 10
	// defaultVisibility applies to receivers that don't request a visibility of their own. That is
	// Lambda's event source mapping, which needs six times the function's timeout or more; the
	// daemon requests its own. If a function dies, the sweeper does not wait for this visibility to
	// end: it sends another message.
	defaultVisibility = 6 * time.Minute
	// retention is the longest time for which SQS keeps a message.
	retention = 14 * 24 * time.Hour
)

// Create creates the queue name and its dead-letter queue name-dead, for local stacks and tests. In
// the cloud the deployment's template creates them. An existing queue with the same settings is not
// changed.
func Create(ctx context.Context, cfg aws.Config, name string) (*Queue, error) {
	return createWith(ctx, cfg, name, maxReceives)
}

// createWith is [Create] with another limit of receives. If it is 0, there is no dead-letter queue.
func createWith(ctx context.Context, cfg aws.Config, name string, receives int) (*Queue, error) {
	client := newClient(cfg)
	settings := map[string]string{
		string(types.QueueAttributeNameVisibilityTimeout): strconv.Itoa(int(defaultVisibility.Seconds())),
	}
	if receives > 0 {
		redrive, err := createDeadLetterQueue(ctx, client, name+"-dead", receives)
		if err != nil {
			return nil, err
		}
		settings[string(types.QueueAttributeNameRedrivePolicy)] = redrive
	}
	return create(ctx, client, name, settings)
}

// createDeadLetterQueue creates a dead-letter queue and returns the redrive policy that names it.
func createDeadLetterQueue(ctx context.Context, client *sqs.Client, name string, receives int) (string, error) {
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
