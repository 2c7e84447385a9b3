package worker_test

import (
	"context"
	"encoding/json"
	"errors"
	"image"
	"os"
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
	"github.com/atelier-go/atelier/worker"
)

// batch is an event with a record for each body, whose ids are "1", "2", ...
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

// answer is the JSON that the mapping gets to see.
func answer(t *testing.T, r events.SQSEventResponse) string {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// function is a context as an invocation has it.
func function(t *testing.T, timeout time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	t.Cleanup(cancel)
	return ctx
}

func TestHandleSQS(t *testing.T) {
	const second = 2 * time.Second // the most that the first retry waits
	for name, tt := range map[string]struct {
		bodies  func(b *bench) []string
		painter painter
		want    string                   // the answer
		hidden  map[string]time.Duration // the most by which a message is hidden on
	}{
		"an empty batch": {
			bodies: func(*bench) []string { return nil },
			want:   `{"batchItemFailures":[]}`,
		},
		"all is well": {
			bodies: func(b *bench) (all []string) {
				for range 10 {
					all = append(all, b.submit(photo(t, 8, 8), nil).Encode())
				}
				return all
			},
			want: `{"batchItemFailures":[]}`,
		},
		"a picture that fails is done with": {
			bodies: func(b *bench) []string { return []string{b.submit([]byte("text"), nil).Encode()} },
			want:   `{"batchItemFailures":[]}`,
		},
		"some fail": {
			bodies: func(b *bench) []string {
				return []string{b.submit(photo(t, 8, 8), nil).Encode(), "hello", b.submit(photo(t, 9, 9), nil).Encode(), b.submit(photo(t, 8, 8), nil).Encode()}
			},
			painter: func(ctx context.Context, r style.Request) (*image.RGBA, error) {
				if r.Content.Rect.Dx() == 9 {
					return nil, errors.New("no memory")
				}
				return red(ctx, r)
			},
			want:   `{"batchItemFailures":[{"itemIdentifier":"2"},{"itemIdentifier":"3"}]}`,
			hidden: map[string]time.Duration{"2": time.Second, "3": second},
		},
		"a job that nobody knows": {
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
			if tt.painter == nil {
				tt.painter = red
			}
			b := newBench(t, 0, tt.painter)
			q := newLine()
			r, err := b.worker.HandleSQS(function(t, time.Minute), q, batch(tt.bodies(b)...))
			if err != nil {
				t.Fatal(err)
			}
			if got := answer(t, r); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if len(q.extended) != len(tt.hidden) {
				t.Errorf("handed back: %v, want %v", q.extended, tt.hidden)
			}
			for id, most := range tt.hidden {
				if got := q.extensions(id); len(got) != 1 || got[0] > most {
					t.Errorf("message %s was hidden for %v, want %s at most", id, got, most)
				}
			}
		})
	}
}

// The same job twice in a batch is painted once, and the message that found it
// busy comes again, to be told that it is done.
func TestHandleSQSDuplicates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEasel()
		b := newBench(t, 0, e.paint)
		m := b.submit(photo(t, 8, 8), nil)
		twice := batch(m.Encode(), m.Encode())
		q := newLine()
		responses := make(chan events.SQSEventResponse, 1)
		go func() {
			r, err := b.worker.HandleSQS(function(t, time.Minute), q, twice)
			if err != nil {
				t.Error(err)
			}
			responses <- r
		}()
		synctest.Wait()
		close(e.finish)
		r := <-responses
		if len(r.BatchItemFailures) != 1 || b.job(m).State != job.Succeeded || e.begun != 1 {
			t.Errorf("%s, the job %s, painted %d times", answer(t, r), b.job(m).State, e.begun)
		}
		// The same message twice, too: it is named once.
		twice.Records[1].MessageId = "1"
		twice.Records[0].Body, twice.Records[1].Body = "hello", "hello"
		r, err := b.worker.HandleSQS(function(t, time.Minute), q, twice)
		if got, want := answer(t, r), `{"batchItemFailures":[{"itemIdentifier":"1"}]}`; err != nil || got != want {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
		r, err = b.worker.HandleSQS(function(t, time.Minute), q, batch(m.Encode()))
		if got := answer(t, r); err != nil || got != `{"batchItemFailures":[]}` {
			t.Errorf("delivered again: %s, %v", got, err)
		}
	})
}

// Everything is given back in order before the deadline: the attempt of the
// picture that used up the time counts, and those behind it have none.
func TestHandleSQSKeepsTheDeadline(t *testing.T) {
	for name, tt := range map[string]struct {
		timeout time.Duration
		queue   func(*line)
		latest  time.Duration
	}{
		"all is well":      {time.Minute, func(*line) {}, 58*time.Second + time.Second/10},
		"a short function": {3 * time.Second, func(*line) {}, 2700*time.Millisecond + time.Second/10},
		"the queue hangs":  {time.Minute, func(q *line) { q.hangs = true }, 59500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEasel()
				b := newBench(t, 0, e.paint)
				var ms []job.Message
				var bodies []string
				for range 4 {
					ms = append(ms, b.submit(photo(t, 8, 8), nil))
					bodies = append(bodies, ms[len(ms)-1].Encode())
				}
				q := newLine()
				tt.queue(q)
				began := time.Now()
				r, err := b.worker.HandleSQS(function(t, tt.timeout), q, batch(bodies...))
				took := time.Since(began)
				if err != nil || len(r.BatchItemFailures) != len(ms) {
					t.Errorf("%s, %v", answer(t, r), err)
				}
				if took > tt.latest || took < tt.timeout*8/10 {
					t.Errorf("it took %s of %s, want %s at most", took, tt.timeout, tt.latest)
				}
				counted := 0
				for i, m := range ms {
					j := b.job(m)
					counted += j.Attempts
					if j.State != job.Queued {
						t.Errorf("job %d is %s", i+1, j.State)
					}
					if got := q.extensions(strconv.Itoa(i + 1)); !q.hangs && (len(got) != 1 || got[0] > 2*time.Second) {
						t.Errorf("message %d was hidden for %v", i+1, got)
					}
				}
				if counted != 1 {
					t.Errorf("%d attempts were counted, want that of the one that painted", counted)
				}
				close(e.finish)
			})
		})
	}
}

// A picture that began late and would have needed more time than was left is
// not to blame.
func TestHandleSQSBlamesNobodyForBeingLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, 0, func(ctx context.Context, r style.Request) (*image.RGBA, error) {
			time.Sleep(40 * time.Second)
			return red(ctx, r)
		})
		ms := []job.Message{b.submit(photo(t, 8, 8), nil), b.submit(photo(t, 8, 8), nil)}
		q := newLine()
		r, err := b.worker.HandleSQS(function(t, time.Minute), q, batch(ms[0].Encode(), ms[1].Encode()))
		if err != nil || len(r.BatchItemFailures) != 1 {
			t.Fatalf("%s, %v", answer(t, r), err)
		}
		late := r.BatchItemFailures[0].ItemIdentifier
		n, _ := strconv.Atoi(late)
		if j := b.job(ms[n-1]); j.State != job.Queued || j.Attempts != 0 {
			t.Errorf("%s after %d attempts", j.State, j.Attempts)
		}
		if got := q.extensions(late); len(got) != 1 || got[0] != 0 {
			t.Errorf("it comes again after %v, want at once", got)
		}

		// The process is frozen and thaws for another batch: nothing of the first
		// holds on to the job.
		time.Sleep(10 * time.Minute)
		r, err = b.worker.HandleSQS(function(t, time.Minute), q, batch(ms[n-1].Encode()))
		if got := answer(t, r); err != nil || got != `{"batchItemFailures":[]}` || b.job(ms[n-1]).State != job.Succeeded {
			t.Errorf("the next invocation: %s, %v", got, err)
		}
		if b.job(ms[n-1]).Receipt.ColdStart {
			t.Error("the next invocation says that it is the first")
		}
	})
}

// What is handed back is visible soon by the time the mapping hears of it.
func TestHandleSQSHandsBackBeforeItAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, 0, red)
		q := &slow{line: newLine()}
		r, err := b.worker.HandleSQS(function(t, time.Minute), q, batch("hello"))
		if err != nil || len(r.BatchItemFailures) != 1 || len(q.extensions("1")) != 1 {
			t.Errorf("%s, %v, handed back: %v", answer(t, r), err, q.extended)
		}
	})
}

// slow is a queue that takes its time.
type slow struct{ *line }

func (s *slow) Extend(ctx context.Context, d job.Delivery, v time.Duration) error {
	time.Sleep(3 * time.Second)
	return s.line.Extend(ctx, d, v)
}

func TestHandleSQSWithoutAStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, 0, red)
		m := b.submit(photo(t, 8, 8), nil)
		back := away(t, b.store.Dir())
		q := newLine()
		r, err := b.worker.HandleSQS(function(t, time.Minute), q, batch(m.Encode()))
		if err != nil || len(r.BatchItemFailures) != 1 {
			t.Errorf("%s, %v", answer(t, r), err)
		}
		if got := q.extensions("1"); len(got) != 1 || got[0] < 30*time.Second {
			t.Errorf("it comes again after %v, want half a minute", got)
		}
		back()
		if j := b.job(m); j.State != job.Queued || j.Attempts != 0 {
			t.Errorf("%s after %d attempts", j.State, j.Attempts)
		}
	})
}

// A file server that does not answer keeps nobody from answering the mapping. On
// the real clock, since a goroutine in a system call holds a fake one.
func TestHandleSQSWithAStoreThatHangs(t *testing.T) {
	b := newBench(t, 0, red)
	m := b.submit(photo(t, 8, 8), nil)
	answers := hang(t, filepath.Join(b.dir(m), "input"))
	began := time.Now()
	r, err := b.worker.HandleSQS(function(t, time.Second), newLine(), batch(m.Encode(), "hello"))
	if took := time.Since(began); err != nil || len(r.BatchItemFailures) != 2 || took >= time.Second {
		t.Errorf("after %s: %s, %v", took, answer(t, r), err)
	}
	// It answers after all, and the job goes back.
	answers()
	waitFor(t, func() bool { return b.job(m).State == job.Queued })
}

// hang has whoever opens a file wait, until answers is called: the kernel asks this
// process for its permission.
func hang(t *testing.T, path string) (answers func()) {
	t.Helper()
	fd, err := unix.FanotifyInit(unix.FAN_CLASS_CONTENT|unix.FAN_CLOEXEC, unix.O_RDONLY)
	if err != nil {
		t.Skip("a file that hangs can't be made here:", err)
	}
	answers = sync.OnceFunc(func() { _ = unix.Close(fd) })
	t.Cleanup(answers)
	if err := unix.FanotifyMark(fd, unix.FAN_MARK_ADD, unix.FAN_OPEN_PERM, unix.AT_FDCWD, path); err != nil {
		t.Skip("a file that hangs can't be made here:", err)
	}
	return answers
}

func TestHandleSQSReportsAnEngineThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEasel()
		b := newBenchWith(t, 0, e.paint, func(c *worker.Config) { c.Watchdog = 20 * time.Second })
		var ms []job.Message
		for range 2 {
			ms = append(ms, b.submit(photo(t, 8, 8), nil))
		}
		q := newLine()
		began := time.Now()
		r, err := b.worker.HandleSQS(function(t, time.Minute), q, batch(ms[0].Encode(), ms[1].Encode()))
		if !errors.Is(err, worker.ErrStuck) || len(r.BatchItemFailures) != 2 || time.Since(began) > 30*time.Second {
			t.Errorf("after %s: %s, %v", time.Since(began), answer(t, r), err)
		}
		if hung, waited := b.job(ms[0]).Attempts, b.job(ms[1]).Attempts; hung+waited != 1 {
			t.Errorf("%d and %d attempts, want one in all", hung, waited)
		}
		r, err = b.worker.HandleSQS(function(t, time.Minute), q, batch("hello"))
		if !errors.Is(err, worker.ErrStuck) || len(r.BatchItemFailures) != 1 {
			t.Errorf("once more: %s, %v", answer(t, r), err)
		}
		close(e.finish)
	})
}

// A freeze between two invocations must not look like an engine that hangs. Time
// that passes while nothing runs can't be had in a test; what can is that a run
// abandoned by one invocation is finished in the next.
func TestHandleSQSGoesOnAfterAnAbandonedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEasel()
		b := newBench(t, 0, e.paint)
		first, next := b.submit(photo(t, 8, 8), nil), b.submit(photo(t, 8, 8), nil)
		q := newLine()
		r, err := b.worker.HandleSQS(function(t, 10*time.Second), q, batch(first.Encode()))
		if err != nil || len(r.BatchItemFailures) != 1 {
			t.Fatalf("%s, %v", answer(t, r), err)
		}
		claims, _ := os.ReadDir(b.dir(first))
		responses := make(chan events.SQSEventResponse, 1)
		go func() {
			r, _ := b.worker.HandleSQS(function(t, time.Minute), q, batch(next.Encode()))
			responses <- r
		}()
		synctest.Wait()
		close(e.finish)
		if got := answer(t, <-responses); got != `{"batchItemFailures":[]}` || b.job(next).State != job.Succeeded {
			t.Errorf("%s, the job %s", got, b.job(next).State)
		}
		if now, _ := os.ReadDir(b.dir(first)); len(now) != len(claims) || b.job(first).State != job.Queued {
			t.Errorf("the abandoned run left something: %v, was %v", now, claims)
		}
	})
}
