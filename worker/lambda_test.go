package worker_test

import (
	"context"
	"encoding/json"
	"errors"
	"image"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"golang.org/x/sys/unix"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/style"
)

// batch returns an event with a record for each body, with the ids "1", "2", ...
func batch(bodies ...string) (e events.SQSEvent) {
	for i, body := range bodies {
		id := strconv.Itoa(i + 1)
		e.Records = append(e.Records, events.SQSMessage{
			MessageId: id, ReceiptHandle: "handle-" + id, Body: body,
			Attributes: map[string]string{"ApproximateReceiveCount": "1"},
		})
	}
	return e
}

// encoded returns the JSON that the mapping receives.
func encoded(t *testing.T, r events.SQSEventResponse) string {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// invocation returns the context of an invocation.
func invocation(t *testing.T, timeout time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	t.Cleanup(cancel)
	return ctx
}

func TestHandleSQS(t *testing.T) {
	const second = 2 * time.Second // the most that the first retry waits
	for name, tt := range map[string]struct {
		bodies func(b *bench) []string
		paint  stylizerFunc
		want   string                   // the response
		hidden map[string]time.Duration // for how long messages are hidden at most
	}{
		"an empty batch": {
			bodies: func(*bench) []string { return nil },
			want:   `{"batchItemFailures":[]}`,
		},
		"all succeed": {
			bodies: func(b *bench) (all []string) {
				for range 10 {
					all = append(all, b.submit(photo(t, 8, 8), nil).Encode())
				}
				return all
			},
			want: `{"batchItemFailures":[]}`,
		},
		"a picture that can't be decoded": {
			bodies: func(b *bench) []string { return []string{b.submit([]byte("text"), nil).Encode()} },
			want:   `{"batchItemFailures":[]}`,
		},
		"some fail": {
			bodies: func(b *bench) []string {
				return []string{b.submit(photo(t, 8, 8), nil).Encode(), "hello", b.submit(photo(t, 9, 9), nil).Encode(), b.submit(photo(t, 8, 8), nil).Encode()}
			},
			paint: func(ctx context.Context, r style.Request) (*image.RGBA, error) {
				if r.Content.Rect.Dx() == 9 {
					return nil, errors.New("no memory")
				}
				return red(ctx, r)
			},
			want:   `{"batchItemFailures":[{"itemIdentifier":"2"},{"itemIdentifier":"3"}]}`,
			hidden: map[string]time.Duration{"2": time.Second, "3": second},
		},
		"an unknown job": {
			bodies: func(b *bench) []string {
				id, err := job.NewID()
				if err != nil {
					b.Fatal(err)
				}
				return []string{job.Message{Job: id, Run: 1}.Encode()}
			},
			want:   `{"batchItemFailures":[{"itemIdentifier":"1"}]}`,
			hidden: map[string]time.Duration{"1": second},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.paint == nil {
				tt.paint = red
			}
			b := newBench(t, 0, tt.paint)
			q := newFakeQueue()
			r, err := b.worker.HandleSQS(invocation(t, time.Minute), q, batch(tt.bodies(b)...))
			if err != nil {
				t.Fatal(err)
			}
			if got := encoded(t, r); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if len(q.extended) != len(tt.hidden) {
				t.Errorf("visible again: %v, want %v", q.extended, tt.hidden)
			}
			for id, most := range tt.hidden {
				if got := q.extensions(id); len(got) != 1 || got[0] > most {
					t.Errorf("message %s was hidden for %v, want %s at most", id, got, most)
				}
			}
		})
	}
}

// A job that is twice in a batch is painted once, and one of its messages is delivered again.
func TestHandleSQSDuplicates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine()
		b := newBench(t, 0, e.paint)
		m := b.submit(photo(t, 8, 8), nil)
		twice := batch(m.Encode(), m.Encode())
		q := newFakeQueue()
		responses := make(chan events.SQSEventResponse, 1)
		go func() {
			r, err := b.worker.HandleSQS(invocation(t, time.Minute), q, twice)
			if err != nil {
				t.Error(err)
			}
			responses <- r
		}()
		synctest.Wait()
		close(e.finish)
		r := <-responses
		if len(r.BatchItemFailures) != 1 || b.job(m).State != job.Succeeded || e.started != 1 {
			t.Errorf("%s, the job %s, painted %d times", encoded(t, r), b.job(m).State, e.started)
		}
		// A message that is twice in a batch is listed once.
		twice.Records[1].MessageId = "1"
		twice.Records[0].Body, twice.Records[1].Body = "hello", "hello"
		r, err := b.worker.HandleSQS(invocation(t, time.Minute), q, twice)
		if got, want := encoded(t, r), `{"batchItemFailures":[{"itemIdentifier":"1"}]}`; err != nil || got != want {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
		r, err = b.worker.HandleSQS(invocation(t, time.Minute), q, batch(m.Encode()))
		if got := encoded(t, r); err != nil || got != `{"batchItemFailures":[]}` {
			t.Errorf("delivered again: %s, %v", got, err)
		}
	})
}

func TestHandleSQSWithoutAStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, 0, red)
		m := b.submit(photo(t, 8, 8), nil)
		restore := moveAway(t, b.store.Dir())
		q := newFakeQueue()
		r, err := b.worker.HandleSQS(invocation(t, time.Minute), q, batch(m.Encode()))
		if err != nil || len(r.BatchItemFailures) != 1 {
			t.Errorf("%s, %v", encoded(t, r), err)
		}
		if got := q.extensions("1"); len(got) != 1 || got[0] < 30*time.Second {
			t.Errorf("it is delivered again after %v, want half a minute", got)
		}
		restore()
		if j := b.job(m); j.State != job.Queued || j.Attempts != 0 {
			t.Errorf("%s after %d attempts", j.State, j.Attempts)
		}
	})
}

// HandleSQS returns in time if the file server does not respond. The test uses the real clock, because
// a goroutine in a system call stops a fake one.
func TestHandleSQSWithAHangingStore(t *testing.T) {
	b := newBench(t, 0, red)
	m := b.submit(photo(t, 8, 8), nil)
	respond := hang(t, filepath.Join(b.dir(m), "input"))
	began := time.Now()
	r, err := b.worker.HandleSQS(invocation(t, time.Second), newFakeQueue(), batch(m.Encode(), "hello"))
	if took := time.Since(began); err != nil || len(r.BatchItemFailures) != 2 || took >= time.Second {
		t.Errorf("after %s: %s, %v", took, encoded(t, r), err)
	}
	// Once the server responds, the job is given back.
	respond()
	waitFor(t, func() bool { return b.job(m).State == job.Queued })
}

// hang makes opening a file hang until respond is called: the kernel waits for the permission of this
// process.
func hang(t *testing.T, path string) (respond func()) {
	t.Helper()
	fd, err := unix.FanotifyInit(unix.FAN_CLASS_CONTENT|unix.FAN_CLOEXEC, unix.O_RDONLY)
	if err != nil {
		t.Skip("a hanging file can't be simulated here:", err)
	}
	respond = sync.OnceFunc(func() { _ = unix.Close(fd) })
	t.Cleanup(respond)
	if err := unix.FanotifyMark(fd, unix.FAN_MARK_ADD, unix.FAN_OPEN_PERM, unix.AT_FDCWD, path); err != nil {
		t.Skip("a hanging file can't be simulated here:", err)
	}
	return respond
}
