package store_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// BenchmarkJob measures a job in the store from submission to result, with everything durable: the
// limit of the pipeline when the network costs nothing.
func BenchmarkJob(b *testing.B) {
	s, err := store.Open(store.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	picture := bytes.Repeat([]byte("x"), 20<<10)
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			id, err := job.NewID()
			spec := job.Spec{ID: id, Style: "some-style", Format: "jpeg", CreatedAt: time.Now()}
			if err == nil {
				err = s.Create(&spec, picture, nil)
			}
			var l *store.Lease
			if err == nil {
				l, err = s.Claim(b.Context(), id, 1, "bench")
			}
			if err == nil {
				_, _, err = s.Pictures(&spec)
			}
			if err == nil {
				err = l.Succeed(picture, nil, job.Result{}, job.Receipt{})
			}
			if err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
}
