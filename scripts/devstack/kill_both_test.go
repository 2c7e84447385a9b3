package main_test

import (
	"bytes"
	"image"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// Daemon and functions process one queue, and processes of both kinds are killed meanwhile. Each
// job is painted exactly once, and the pictures differ from undisturbed ones only by the effect of
// different numbers of threads.
func TestUseDaemonAndFunctionsKilled(t *testing.T) {
	d := start(t, "both", "ATELIER_LEASE=2s", "ATELIER_SWEEP_EVERY=1s")
	all := orders(t)[5:] // the larger ones
	for _, o := range all {
		o.fields = append(o.fields, "format", "png") // compare the painting without JPEG's rounding
	}
	d.paintUndisturbed(all)

	var ids []job.ID
	of := map[job.ID]*order{}
	submit := func(n int) {
		for range n {
			o := all[len(ids)%len(all)]
			id := d.submit(o.picture, o.fields...)
			ids, of[id] = append(ids, id), o
		}
	}
	submit(15)
	const wantDaemons, wantFunctions = 3, 2
	daemons, functions, crashes := 0, 0, 0
	for left := ids; ; left = d.unfinished(ids) {
		done := daemons >= wantDaemons && functions >= wantFunctions
		if len(left) == 0 && done {
			break
		}
		if len(left) == 0 {
			submit(5) // the workers were too fast
			continue
		}
		<-time.After(rand.N(300 * time.Millisecond)) // a random moment
		hs := d.holds(left)
		if done || len(hs) == 0 {
			continue
		}
		pid := hs[rand.N(len(hs))].pid
		victim := slices.IndexFunc(d.processes(), func(p process) bool { return p.pid == pid && p.function() })
		if victim >= 0 && functions == wantFunctions || victim < 0 && daemons == wantDaemons {
			continue
		}
		hit := d.killAtWork(pid, left)
		switch {
		case len(hit) == 0:
		case victim >= 0:
			functions++
		default:
			daemons++
		}
		crashes += counted(hit)
	}

	painters := map[string]int{}
	again := 0
	for _, id := range ids {
		j := d.painted(id)
		again += j.Attempts - 1
		if j.Receipt != nil {
			painters[j.Receipt.Worker]++
		}
		if off := difference(t, d.result(j), of[id].result); off > 2 {
			t.Errorf("job %s (%v) differs by up to %d of 255 from its picture without kills", id, of[id].fields, off)
		}
	}
	if again != crashes {
		t.Errorf("the jobs have %d lost attempts that count, want %d", again, crashes)
	}
	t.Logf("%d daemons and %d functions were killed, %d attempts were lost; %d jobs were painted by %v", daemons, functions, crashes, len(ids), painters)
	d.settled(ids...)
	d.onlyJobs()
	d.swept()
	d.end(os.Interrupt)
}

// difference returns the largest difference of two pictures in any channel of any pixel, of 255.
func difference(t *testing.T, a, b []byte) (most int) {
	t.Helper()
	var imgs [2]image.Image
	for i, file := range [][]byte{a, b} {
		var err error
		if imgs[i], _, err = image.Decode(bytes.NewReader(file)); err != nil {
			t.Errorf("a result: %v", err)
			return 255
		}
	}
	if imgs[0].Bounds() != imgs[1].Bounds() {
		t.Errorf("results of %v and %v", imgs[0].Bounds(), imgs[1].Bounds())
		return 255
	}
	apart := func(a, b uint32) int { return max(int(a>>8)-int(b>>8), int(b>>8)-int(a>>8)) }
	r := imgs[0].Bounds()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			r1, g1, b1, _ := imgs[0].At(x, y).RGBA()
			r2, g2, b2, _ := imgs[1].At(x, y).RGBA()
			most = max(most, apart(r1, r2), apart(g1, g2), apart(b1, b2))
		}
	}
	return most
}
