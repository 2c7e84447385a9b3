package report

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/measure/machine"
)

// quickly is a small effort, because tests check formats and rules instead of figures.
var quickly, least = effort{jobs: 1000, resamples: 100}, effort{jobs: 200}

// synthetic writes a folder of invented runs, all figures of which are random.
func synthetic(t *testing.T, plan measurement.Plan) string {
	t.Helper()
	dir := t.TempDir()
	plan.Format = measurement.Format
	b, err := json.Marshal(plan)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "plan.json"), b, 0o600)
	}
	if err == nil {
		err = os.Mkdir(filepath.Join(dir, "runs"), 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	chance := rand.New(rand.NewPCG(plan.Seed, 1))
	for repetition := 1; repetition <= plan.Repetitions; repetition++ {
		for i, v := range plan.Variants {
			add(t, dir, invent(chance, v, repetition, i+1, plan.Seed))
		}
	}
	return dir
}

func add(t *testing.T, dir string, r *measurement.Run) {
	t.Helper()
	file, err := os.Create(filepath.Join(dir, "runs", fmt.Sprintf("%s.%03d.%s.jsonl", r.Header.Variant.Name(), r.Header.Repetition, r.Header.Began.Format("20060102T150405.000000"))))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := r.Write(file); err != nil {
		t.Fatal(err)
	}
}

// invent returns a run with random figures.
func invent(chance *rand.Rand, v measurement.Variant, repetition, position int, seed uint64) *measurement.Run {
	r := &measurement.Run{
		Header: measurement.Header{
			Format: measurement.Format, Variant: v, Hypothetical: v.Hypothetical(), Repetition: repetition, Position: position, Seed: seed,
			Command: "synthetic", Began: time.Date(2026, 1, repetition, 0, position, 0, 0, time.UTC),
			Machine: machine.Description{Processor: "Synthetic processor, nothing measured", Stepping: "family 0", Cores: 2, UsableCores: 2, MemoryBytes: 8 << 30, System: "linux/amd64", Kernel: "0", Go: "go0", FileSystem: "none", Commit: "none"},
		},
		Footer: measurement.Footer{Ended: time.Date(2026, 1, repetition, 1, position, 0, 0, time.UTC), Jobs: v.Jobs, Seconds: 100, LagP99: 0.001, Share: 0.2, Used: map[string]float64{"worker-daemon": 1, "api-server": 2.1, "picture-decoder": 0.3, "ministack": 5, "sender": 7}},
	}
	base := 0.1 * float64(v.Size*v.Size) / (512 * 512) * (0.97 + 0.06*chance.Float64())
	if cpus := v.CPUs(); cpus > 0 && cpus < 1 {
		base /= cpus
	}
	start := 0.08
	if v.Engine == measurement.TensorFlow {
		start, base = 0.6, base*1.1
	}
	for i := range v.Jobs {
		j := measurement.Job{Scheduled: float64(i), Cold: i == 0, Handler: base * (0.9 + 0.2*chance.Float64()), Lag: 0.0005}
		j.Decode, j.Encode, j.Read, j.Write = j.Handler*0.03, j.Handler*0.04, j.Handler*0.01, j.Handler*0.02
		j.Paint = j.Handler * 0.85
		j.Latency, j.Billed, j.Used = j.Handler+0.02, j.Handler+0.005, j.Handler*0.9
		if j.Cold {
			j.Start = start
			j.Billed += start
			j.Latency += start
			if v.NFS {
				j.NFSReads, j.NFSBytes, j.NFSWaited = 900, 30<<20, 2
			}
		}
		r.Jobs = append(r.Jobs, j)
	}
	return r
}

// small returns a plan with variants of every kind.
func small(repetitions int) measurement.Plan {
	p := measurement.Plan{Repetitions: repetitions, Seed: 20}
	for _, engine := range []string{measurement.TensorFlow, measurement.ONNX} {
		for _, size := range []int{512, 1024} {
			p.Variants = append(p.Variants,
				measurement.Variant{System: measurement.Service, Engine: engine, Size: size, Jobs: 6, Threads: 1},
				measurement.Variant{System: measurement.Service, Engine: engine, Size: size, Jobs: 6, Threads: 2, MemoryMB: 3007, PeriodMS: 20},
				measurement.Variant{System: measurement.Service, Engine: engine, Size: size, Jobs: 6, Threads: 1, MemoryMB: 885, PeriodMS: 20})
		}
		p.Variants = append(p.Variants,
			measurement.Variant{System: measurement.Service, Engine: engine, Size: 256, Jobs: 6, Threads: 1},
			measurement.Variant{System: measurement.Service, Engine: engine, Size: 512, Jobs: 1, Threads: 2, MemoryMB: 3007, PeriodMS: 20, Evicted: true},
			measurement.Variant{System: measurement.Service, Engine: engine, Size: 256, Jobs: 1, Threads: 1, NFS: true, LatencyMS: 2},
			measurement.Variant{System: measurement.Service, Engine: engine, Size: 256, Jobs: 1, Threads: 1, NFS: true, LatencyMS: 2, ReadAhead: true},
			measurement.Variant{System: measurement.Daemon, Engine: engine, Size: 512, Jobs: 200, Pattern: measurement.Poisson, Rate: 1},
			measurement.Variant{System: measurement.MiniStack, Engine: engine, Size: 512, Jobs: 200, Pattern: measurement.Poisson, Rate: 1},
			measurement.Variant{System: measurement.Concurrent, Engine: engine, Size: 512, Jobs: 200, MemoryMB: 3007, Threads: 1, Concurrency: 2, Environments: 1, Pattern: measurement.Bursts, Rate: 1})
	}
	p.Variants = append(p.Variants, measurement.Variant{System: measurement.Flask, Engine: measurement.TensorFlow, Size: 512, Jobs: 200, Pattern: measurement.Poisson, Rate: 1})
	return p
}

var document *Document

// whole returns the report of variants of every kind, made once for all tests, which must not modify
// it.
func whole(t *testing.T) *Document {
	t.Helper()
	if document == nil {
		d, err := build(synthetic(t, small(2)), least)
		if err != nil {
			t.Fatal(err)
		}
		document = d
	}
	return document
}
