package sweeper_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// A sweep continues with the erasures after the last one that the sweep before has reached, and the
// next sweep begins with the first again.
func TestErasuresContinueInTheNextSweep(t *testing.T) {
	st := newSweepTest(t)
	first, second := st.submit(2*time.Hour, true), st.submit(time.Hour, true)
	for _, id := range []job.ID{first, second} {
		mark := filepath.Join(st.store.Dir(), "erasing", string(id)+"."+store.Erased)
		if err := os.WriteFile(mark, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	note := fmt.Sprintf(`{"tasks": {"erasures": {"after": "%s.%s"}}}`, first, store.Erased)
	if err := st.store.SetNote(store.SweepNote, []byte(note)); err != nil {
		t.Fatal(err)
	}
	st.sweeps(1)
	if _, err := st.store.Job(second); !errors.Is(err, job.ErrGone) {
		t.Errorf("the second job: %v", err)
	}
	if j := st.job(first); j.State != job.Queued {
		t.Errorf("the first job: %+v", j)
	}
	st.sweeps(1)
	if _, err := st.store.Job(first); !errors.Is(err, job.ErrGone) {
		t.Errorf("the first job after another sweep: %v", err)
	}
}
