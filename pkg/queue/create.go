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
	// maxReceives is a last limit. Attempts are counted in the store; throttling, drains and
	// duplicates cause receives that are no attempts.
	maxReceives = 10
	// defaultVisibility applies to receivers that don't request a visibility: the event source
	// mapping, which needs six times the function's timeout or more. The daemon requests its own.
	// If a function dies, the sweeper sends another message for the hidden one.
	defaultVisibility = 6 * time.Minute
	// retention is SQS's maximum.
	retention = 14 * 24 * time.Hour
)

// Create creates the queue name and its dead-letter queue name-dead, for local stacks and tests. In
// the cloud the deployment's template creates them. An existing queue with the same settings is not
// changed.
func Create(ctx context.Context, cfg aws.Config, name string) (*Queue, error) {
	return createWith(ctx, cfg, name, maxReceives)
}

// createWith creates no dead-letter queue if receives is 0.
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

// createDeadLetterQueue returns the redrive policy that names the new queue.
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
