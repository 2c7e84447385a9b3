package main_test

import (
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/scripts/apitest"
	"github.com/atelier-go/atelier/scripts/devstack/metadatatest"
)

// A daemon whose instance is about to end finishes what it paints, gives other jobs back and ends,
// without a signal. Another daemon paints the rest, and no attempt is lost.
func TestInstanceNotices(t *testing.T) {
	for name, c := range map[string]struct{ path, notice string }{
		"Spot interruption":  {"spot/instance-action", `{"action":"terminate","time":"2026-11-29T18:00:00Z"}`},
		"Auto Scaling group": {"autoscaling/target-lifecycle-state", "Terminated"},
	} {
		t.Run(name, func(t *testing.T) {
			url, announce := metadatatest.Start(t)
			y := servers(t, "AWS_EC2_METADATA_DISABLED=false", "AWS_EC2_METADATA_SERVICE_ENDPOINT="+url, "ATELIER_INSTANCE_NOTICES=1", "ATELIER_CONCURRENT=1")
			var ids []job.ID
			picture := apitest.Stripes(t, 2048, 1536)
			for range 20 { // more than are painted between two checks for a notice
				ids = append(ids, y.submit(picture, "size", "2048"))
			}
			w := y.daemon()
			waitFor(t, func() bool { return y.Read(ids[0]).State != job.Queued })
			announce(c.path, c.notice)
			if err := w.ended(); err != nil {
				t.Fatalf("the daemon ended with %v", err)
			}
			queued := 0
			for _, id := range ids {
				switch j := y.Read(id); j.State {
				case job.Queued:
					queued++
				case job.Succeeded:
				default:
					t.Errorf("%s is %s", id, j.State)
				}
			}
			if queued == 0 {
				t.Error("the daemon painted all jobs before it ended")
			}
			announce("", "")
			y.daemon()
			for _, id := range ids {
				if j := y.painted(id); j.Attempts != 1 {
					t.Errorf("%s took %d attempts", id, j.Attempts)
				}
			}
		})
	}
}
