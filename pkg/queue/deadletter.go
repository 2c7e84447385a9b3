package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// ErrNoDeadLetters means that the queue has no dead-letter queue.
var ErrNoDeadLetters = errors.New("it has no dead-letter queue: configure its RedrivePolicy, or messages that can't be processed are delivered again until their retention ends")

// DeadLetterQueue opens the queue's dead-letter queue, which the queue's RedrivePolicy names. It is
// in the same account and region, as SQS requires. The error wraps [ErrNoDeadLetters] if there is
// no policy, and [ErrNoQueue] if the policy names a queue that does not exist.
func (q *Queue) DeadLetterQueue(ctx context.Context) (*Queue, error) {
	attributes, err := q.attributes(ctx, types.QueueAttributeNameRedrivePolicy)
	if err != nil {
		return nil, fmt.Errorf("dead-letter queue of %s: %w", q.URL(), err)
	}
	name, err := deadLetterQueueName(attributes[string(types.QueueAttributeNameRedrivePolicy)])
	if err != nil {
		return nil, fmt.Errorf("dead-letter queue of %s: %w", q.URL(), err)
	}
	dead := newQueue(q.client, name)
	if _, err := dead.address(ctx); err != nil {
		return nil, fmt.Errorf("dead-letter queue of %s: %w", q.URL(), err)
	}
	return dead, nil
}

// deadLetterQueueName returns the name of the queue that a RedrivePolicy names: the last part of an
// ARN such as arn:aws:sqs:us-east-1:123456789012:atelier-dead.
func deadLetterQueueName(policy string) (string, error) {
	if policy == "" {
		return "", ErrNoDeadLetters
	}
	var p struct {
		Target string `json:"deadLetterTargetArn"`
	}
	if err := json.Unmarshal([]byte(policy), &p); err != nil {
		return "", fmt.Errorf("RedrivePolicy %.200q: %w", policy, err)
	}
	parts := strings.Split(p.Target, ":")
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "sqs" || parts[5] == "" {
		return "", fmt.Errorf("RedrivePolicy %.200q names no queue", policy)
	}
	return parts[5], nil
}
