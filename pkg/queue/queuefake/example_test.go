package queuefake_test

import (
	"context"
	"fmt"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue/queuefake"
)

// This queue delivers everything twice, as SQS may.
func Example() {
	ctx := context.Background()
	q := queuefake.New(queuefake.Config{Faults: queuefake.Faults{Duplicate: 1}})
	if err := q.Send(ctx, job.Message{Job: "0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f", Run: 1}); err != nil {
		fmt.Println(err)
	}
	ds, err := q.Receive(ctx, 10, time.Second, time.Minute)
	if err != nil {
		fmt.Println(err)
	}
	for _, d := range ds {
		m, err := job.DecodeMessage(d.Body)
		fmt.Println(m.Job, m.Run, err)
		if err := q.Delete(ctx, d); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f 1 <nil>
	// 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f 1 <nil>
}
