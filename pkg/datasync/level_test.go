package datasync

import (
	"math/rand/v2"
	"testing"
	"time"
)

// Whatever the levels' scans are when they begin, in how many steps they are done and which of them
// have to be repeated, each change of a folder is found by one that counts.
func TestScansMissNothing(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		at := func(minute int) time.Time { return time.Date(2026, 11, 1, 0, minute, 0, 0, time.UTC) }
		type change struct {
			made, changed time.Time // when the folder's jobs were made, and when it changed
			copied        bool
		}
		var changes []*change
		now, current := 10_000, newScans(at(10_000))
		step := func(most int, fail bool) {
			next := current
			var found []*change
			for level := range full {
				if !next.begin(level, at(now)) {
					continue
				}
				p := &next[level]
				p.Steps++
				to := p.At
				if to.IsZero() {
					to = p.Last
				}
				from := p.First
				if some := to.Add(-time.Duration(random.IntN(most)) * time.Minute); !to.IsZero() && some.After(p.First) && random.IntN(2) == 0 {
					from = some
				}
				for _, c := range changes {
					if !c.made.Before(from) && (to.IsZero() || c.made.Before(to)) && !c.changed.Before(p.Copied) {
						found = append(found, c)
					}
				}
				if from.Equal(p.First) {
					next.end(level)
				} else {
					p.At = from
				}
			}
			if fail {
				return
			}
			current = next
			for _, c := range found {
				c.copied = true
			}
		}
		for range 200 {
			before := now
			if now += 1 + random.IntN(30); random.IntN(20) == 0 {
				now += random.IntN(6000) // a pause
			}
			for range random.IntN(5) {
				age := random.IntN(20)
				if random.IntN(3) == 0 {
					age = random.IntN(5000)
				}
				changed := before + random.IntN(now-before)
				changes = append(changes, &change{made: at(changed - age), changed: at(changed)})
			}
			step(2000, random.IntN(4) == 0)
		}
		for range 100 {
			now += 1500
			step(1_000_000, false)
		}
		for _, c := range changes {
			if !c.copied {
				t.Fatalf("seed %d: a folder of jobs made at %v that changed at %v was not found", seed, c.made, c.changed)
			}
		}
	}
}
