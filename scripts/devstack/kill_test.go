package main_test

import (
	"bytes"
	"fmt"
	"image"
	_ "image/png" // results of both formats are decoded
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/style"
	"github.com/atelier-go/atelier/scripts/apitest"
)

// An order is a submission with the result that it has when no process is killed.
type order struct {
	picture []byte
	fields  []string
	result  []byte
}

// orders returns ten submissions: small ones, and some that take long enough to be interrupted at
// any stage.
func orders(t *testing.T) []*order {
	t.Helper()
	sample := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(os.Getenv("ATELIER_SAMPLES"), name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	cat, coffee, large := sample("chelsea.png"), sample("coffee.png"), apitest.Stripes(t, 1600, 1200)
	names := style.Names()
	return []*order{
		{picture: cat, fields: []string{"style", names[0], "size", "160"}},
		{picture: cat, fields: []string{"style", names[1], "size", "320", "format", "png"}},
		{picture: coffee, fields: []string{"style", names[2], "size", "0"}},
		{picture: coffee, fields: []string{"style", names[0], "size", "256", "preserve_colors", "true"}},
		{picture: cat, fields: []string{"style", names[0] + ":0.7," + names[1] + ":0.3", "size", "400", "strength", "0.5"}},
		{picture: coffee, fields: []string{"style", names[3], "size", "512", "format", "png"}},
		{picture: large, fields: []string{"style", names[1], "size", "800"}},
		{picture: large, fields: []string{"style", names[2], "size", "1200", "quality", "70"}},
		{picture: large, fields: []string{"style", names[3], "size", "0"}},
		{picture: large, fields: []string{"style", names[0], "size", "1024", "format", "png"}},
	}
}

// paintUndisturbed paints every order once.
func (d *demo) paintUndisturbed(all []*order) {
	d.Helper()
	ids := make([]job.ID, len(all))
	for i, o := range all {
		ids[i] = d.submit(o.picture, o.fields...)
	}
	for i, o := range all {
		o.result = d.result(d.painted(ids[i]))
	}
}

func (d *demo) result(j job.Job) []byte {
	d.Helper()
	a := d.Ask(http.MethodGet, fmt.Sprintf("/v1/jobs/%s/result", j.ID), nil)
	if a.StatusCode != http.StatusOK {
		d.Errorf("the result of job %s: %s: %.300s", j.ID, a.Status, a.Body)
	}
	return a.Body
}

// unfinished returns the jobs that have no outcome yet.
func (d *demo) unfinished(ids []job.ID) []job.ID {
	d.Helper()
	return slices.DeleteFunc(slices.Clone(ids), func(id job.ID) bool { return slices.Contains(d.files(id), "final.1") })
}

// The daemon is killed while it works, started again and killed again, until fifty jobs are done.
// Each is painted exactly once, with the same bytes as without kills, and no temporary files are
// left.
func TestUseDaemonKilledRepeatedly(t *testing.T) {
	y := servers(t, "ATELIER_LEASE=2s", "ATELIER_SWEEP_EVERY=1s")
	all := orders(t)
	w := y.daemon()
	y.paintUndisturbed(all)
	y.stop(w)

	ids := make([]job.ID, 50)
	of := map[job.ID]*order{}
	for i := range ids {
		o := all[i%len(all)]
		ids[i] = y.submit(o.picture, o.fields...)
		of[ids[i]] = o
	}
	const maxKills = 12 // with more kills, messages delivered ten times would become dead letters
	kills, crashes := 0, 0
	w = y.daemon()
	for left := ids; len(left) > 0; left = y.unfinished(left) {
		<-time.After(rand.N(time.Second)) // a random moment
		if kills == maxKills {
			continue
		}
		hit := y.killAtWork(w.Process.Pid, left)
		if len(hit) == 0 {
			continue
		}
		kills++
		crashes += counted(hit)
		if err := w.ended(); err == nil || err.Error() != "signal: killed" {
			t.Fatalf("the daemon ended before it was killed: %v", err)
		}
		w = y.daemon()
	}
	t.Logf("%d kills, %d attempts were lost that count", kills, crashes)
	if kills < 8 {
		t.Errorf("only %d kills hit a working daemon", kills)
	}

	again := 0
	for _, id := range ids {
		j := y.painted(id)
		again += j.Attempts - 1
		result := y.result(j)
		if _, _, err := image.Decode(bytes.NewReader(result)); err != nil {
			t.Errorf("the result of job %s: %v", id, err)
		}
		if !bytes.Equal(result, of[id].result) {
			t.Errorf("job %s (%v) differs from its picture without kills", id, of[id].fields)
		}
	}
	if again != crashes {
		t.Errorf("the jobs have %d lost attempts that count, want %d", again, crashes)
	}
	y.settled(ids...)
	y.drained()
	y.stop(w)
	y.onlyJobs()
	y.swept()
	y.end(os.Interrupt)
	noTemporaryFiles(t, y.dir)
}
