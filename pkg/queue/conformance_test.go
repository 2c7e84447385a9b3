package queue_test

import (
	"context"
	"crypto/rand"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/pkg/queue/queueserver"
	"github.com/atelier-go/atelier/pkg/queue/queuetest"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
)

func TestMain(m *testing.M) { queuetest.Main(m) }

func TestConformanceOfMiniStack(t *testing.T) {
	t.Parallel()
	_, cfg := ministacktest.Start(t)
	b := backend(cfg, "conformance")
	b.Deviations = []queuetest.Deviation{
		queuetest.SecondDeleteRefused, queuetest.StaleDeleteRefused,
		queuetest.LateExtendAllowed, queuetest.LongVisibilityAllowed, queuetest.Unfair,
	}
	queuetest.Run(t, b)
}

// The fake queue's server has no known deviation from SQS.
func TestConformanceOfQueueServer(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(new(queueserver.Server))
	t.Cleanup(server.Close)
	queuetest.Run(t, backend(aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}, "conformance"))
}

func TestConformanceOfAWS(t *testing.T) {
	t.Parallel()
	prefix := os.Getenv("ATELIER_TEST_SQS")
	if prefix == "" {
		t.Skip("costs money: set ATELIER_TEST_SQS to a prefix for the names of queues to create on AWS")
	}
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := backend(cfg, prefix)
	b.Patience = 2 * time.Minute // SQS's counts are late by up to a minute
	queuetest.Run(t, b)
}

// backend creates queues for the suite. What the package has no function for is done with the SQS
// client.
func backend(cfg aws.Config, prefix string) queuetest.Backend {
	client := sqs.NewFromConfig(cfg)
	return queuetest.Backend{
		Open: func(t testing.TB, receives int) queuetest.Setup {
			t.Helper()
			q := create(t, cfg, prefix+"-"+rand.Text(), receives)
			t.Cleanup(func() { remove(t, client, q) })
			return queuetest.Setup{
				Queue:           q,
				DeadLetterQueue: func(ctx context.Context) (queuetest.Queue, error) { return q.DeadLetterQueue(ctx) },
				SendRaw: func(ctx context.Context, body string, delay time.Duration) error {
					_, err := client.SendMessage(ctx, &sqs.SendMessageInput{
						QueueUrl: aws.String(q.URL()), MessageBody: &body, DelaySeconds: int32(delay / time.Second),
					})
					return err
				},
				DeleteRaw: func(ctx context.Context, handle string) error {
					_, err := client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: aws.String(q.URL()), ReceiptHandle: &handle})
					return err
				},
				Missing: func(ctx context.Context) map[string]error {
					_, byName := queue.Open(ctx, cfg, prefix+"-no-such-queue")
					_, byURL := queue.Open(ctx, cfg, q.URL()+"-not")
					return map[string]error{"by name": byName, "by URL": byURL}
				},
			}
		},
	}
}

// create tries repeatedly, because a new SQS queue can be used only after about a second.
func create(t testing.TB, cfg aws.Config, name string, receives int) *queue.Queue {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for {
		q, err := queue.CreateWith(t.Context(), cfg, name, receives)
		if err == nil {
			err = q.Check(t.Context())
		}
		if err == nil {
			return q
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		<-again.C
	}
}

// remove deletes a queue and its dead-letter queue.
func remove(t testing.TB, client *sqs.Client, q *queue.Queue) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
	defer cancel()
	urls := []string{q.URL()}
	if dead, err := q.DeadLetterQueue(ctx); err == nil {
		urls = append(urls, dead.URL())
	}
	for _, url := range urls {
		if _, err := client.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &url}); err != nil {
			t.Errorf("remove %s: %v", url, err)
		}
	}
}
