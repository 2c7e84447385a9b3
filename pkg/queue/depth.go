package queue

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/atelier-go/atelier/pkg/job"
)

// Depth returns the approximate number of messages by state. The counts may be taken at different
// moments, so a message that changes its state may be missed or counted twice.
func (q *Queue) Depth(ctx context.Context) (job.Depth, error) {
	var d job.Depth
	counts := map[types.QueueAttributeName]*int{
		types.QueueAttributeNameApproximateNumberOfMessages:           &d.Visible,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible: &d.InFlight,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed:    &d.Delayed,
	}
	var names []types.QueueAttributeName
	for name := range counts {
		names = append(names, name)
	}
	attributes, err := q.attributes(ctx, names...)
	if err != nil {
		return job.Depth{}, fmt.Errorf("depth of queue %s: %w", q.URL(), err)
	}
	for name, count := range counts {
		if *count, err = strconv.Atoi(attributes[string(name)]); err != nil {
			// A missing count must not be read as an empty queue.
			return job.Depth{}, fmt.Errorf("depth of queue %s: %s: %w", q.URL(), name, err)
		}
	}
	return d, nil
}
