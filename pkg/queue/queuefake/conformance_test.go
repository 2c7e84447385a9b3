package queuefake_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/pkg/queue/queuefake"
	"github.com/atelier-go/atelier/pkg/queue/queuetest"
)

func TestConformance(t *testing.T) {
	queuetest.Run(t, queuetest.Backend{
		Open: func(_ testing.TB, receives int) queuetest.Setup {
			q := queuefake.New(queuefake.Config{MaxReceives: receives})
			return queuetest.Setup{
				Queue:           q,
				DeadLetterQueue: func(ctx context.Context) (queuetest.Queue, error) { return q.DeadLetterQueue(ctx) },
				SendRaw:         q.SendRaw,
				DeleteRaw: func(ctx context.Context, handle string) error {
					return q.Delete(ctx, job.Delivery{Handle: handle})
				},
				// It always exists, unless a test breaks it.
				Missing: func(ctx context.Context) map[string]error {
					q.Break(fmt.Errorf("%w: check its name", queue.ErrNoQueue))
					return map[string]error{"broken": q.Check(ctx)}
				},
			}
		},
	})
}

func TestMain(m *testing.M) { queuetest.Main(m) }
