package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// ErrNoDeadLetters says that the queue has no dead-letter queue.
var ErrNoDeadLetters = errors.New("it has no dead-letter queue: give it a RedrivePolicy, or messages that nobody can handle come again until their retention is over")

// Dead opens the queue to which the queue's RedrivePolicy moves messages that
// were received too often. It must be in the same account and region, as SQS
// has it. The error wraps [ErrNoDeadLetters] where there is no such policy, and
// [ErrNoQueue] where it names a queue that is not there.
func (q *Queue) Dead(ctx context.Context) (*Queue, error) {
	attributes, err := q.attributes(ctx, types.QueueAttributeNameRedrivePolicy)
	if err != nil {
		return nil, fmt.Errorf("dead-letter queue of %s: %w", q.URL(), err)
	}
	name, err := deadName(attributes[string(types.QueueAttributeNameRedrivePolicy)])
	if err != nil {
		return nil, fmt.Errorf("dead-letter queue of %s: %w", q.URL(), err)
	}
	dead := newQueue(q.client, name)
	if _, err := dead.address(ctx); err != nil {
		return nil, fmt.Errorf("dead-letter queue of %s: %w", q.URL(), err)
	}
	return dead, nil
}

// deadName takes the queue's name out of a policy, in which it is the last part
// of an ARN: arn:aws:sqs:us-east-1:123456789012:atelier-dead.
func deadName(policy string) (string, error) {
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
