package sweeper_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue/queuefake"
	"github.com/atelier-go/atelier/pkg/sweeper"
)

// A recorder is a queue that records what is sent. A sweep sends several batches at the same time.
type recorder struct {
	*queuefake.Queue
	mu   sync.Mutex
	sent []job.Message
}

func (r *recorder) SendAll(ctx context.Context, ms []job.Message) error {
	r.mu.Lock()
	r.sent = append(r.sent, ms...)
	r.mu.Unlock()
	return r.Queue.SendAll(ctx, ms)
}

// A message that is sent again has its owner's group, like the first one.
func TestResentMessagesHaveTheirGroup(t *testing.T) {
	st := newSweepTest(t)
	queue := &recorder{Queue: st.queue}
	cfg := st.sweep.Config
	cfg.Queue = queue
	var err error
	if st.sweep, err = sweeper.New(cfg); err != nil {
		t.Fatal(err)
	}
	submit := func(owner string) job.ID {
		t.Helper()
		id, err := job.NewID()
		if err != nil {
			t.Fatal(err)
		}
		spec := job.Spec{ID: id, Owner: owner, Style: "some-style", Strength: 1, Format: "jpeg", CreatedAt: time.Now().Add(-time.Hour).UTC()}
		if err := st.store.Create(&spec, []byte("picture"), nil); err != nil {
			t.Fatal(err)
		}
		st.age("active/*/"+string(id), time.Hour)
		return id
	}
	want := map[job.ID]string{submit("anna"): job.Group("anna"), submit("berta"): job.Group("berta"), submit(""): ""}
	dead := submit("carl")
	if err := st.dead.Send(t.Context(), job.Message{Job: dead, Run: 1}); err != nil {
		t.Fatal(err)
	}
	want[dead] = job.Group("carl")
	st.sweeps(3)
	got := map[job.ID]string{}
	for _, m := range queue.sent {
		got[m.Job] = m.Group
	}
	for id, group := range want {
		if g, ok := got[id]; !ok || g != group {
			t.Errorf("job %s: got sent: %t with group %q, want group %q", id, ok, g, group)
		}
	}
}
