// Package predictiontest makes runs with the simulation. Tests check whether predictions find the
// parameters of the simulation from some of these runs.
package predictiontest

import (
	"crypto/sha256"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
	"github.com/atelier-go/atelier/scripts/measure/machine"
)

// A World makes runs without measuring.
type World struct {
	Slowness float64 // factor of the time of painting; 1 is normal
	Spread   float64 // standard deviation of the logarithm of a run's speed
}

const (
	cores  = 2
	rest   = 0.02  // seconds of the handler without painting
	after  = 0.004 // seconds until the load generator has the picture
	before = 0.008 // processor seconds of a submission
	beside = 0.006 // processor seconds after the work

	// Processor seconds per job within before and beside that are not the system's.
	standIns = 0.004
	sender   = 0.001
)

// paint returns the distribution of the time of a picture in a run that is slower by a factor.
func (w World) paint(v measurement.Variant, factor float64) simulation.Distribution {
	usual := 0.08
	if v.Engine == measurement.TensorFlow {
		usual = 0.06
	}
	if v.System == measurement.Flask { // another program, which paints more slowly than a worker
		usual *= 1.35
	}
	return func(chance *rand.Rand) float64 {
		return usual * w.Slowness * factor * math.Exp(0.1*chance.NormFloat64())
	}
}

// demand returns the number of processors that a picture occupies.
func demand(v measurement.Variant) float64 {
	if v.System == measurement.Flask || v.Threads == 2 {
		return 1.6
	}
	return 0.95
}

// run makes one run of a plan, which begins at a given time.
func (w World) run(t *testing.T, p measurement.Plan, v measurement.Variant, repetition int, began time.Time) *measurement.Run {
	t.Helper()
	seed := uint64(repetition)
	for _, c := range v.Name() {
		seed = seed*31 + uint64(c)
	}
	chance := rand.New(rand.NewPCG(seed, 9))
	factor := math.Exp(w.Spread * chance.NormFloat64())
	r := &measurement.Run{
		Header: measurement.Header{
			Format: measurement.Format, Variant: v, Repetition: repetition, Seed: p.Seed, Began: began,
			Machine: machine.Description{Processor: "Synthetic processor, nothing measured", Cores: cores, UsableCores: cores},
		},
		Footer: measurement.Footer{Ended: began.Add(time.Minute), Seconds: 60},
	}
	paint := w.paint(v, factor)
	defer func() { r.Footer.Jobs = len(r.Jobs) }()
	if v.System == measurement.Service {
		for i := range v.Jobs + 1 {
			j := measurement.Job{Cold: i == 0, Paint: paint(chance)}
			j.Handler = j.Paint + rest
			j.Used, j.Latency = demand(v)*j.Handler, j.Handler+0.001
			r.Jobs = append(r.Jobs, j)
		}
		return r
	}
	arrivals, err := p.Arrivals(v, repetition, nil)
	if err != nil {
		t.Fatal(err)
	}
	work := func(chance *rand.Rand) float64 { return paint(chance) + rest }
	made, err := simulation.Local(simulation.Load{Arrivals: arrivals, Work: work, Seed: seed}, machineOf(v))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range made.Jobs {
		j := measurement.Job{Scheduled: m.Arrival, Latency: m.Finished - m.Arrival, Cold: m.Cold, Received: m.Begun - m.Arrival, Handler: m.Finished - after - m.Begun}
		j.Paint = j.Handler - rest
		if v.System == measurement.Flask {
			j.Received = j.Latency - j.Handler // includes the way of the response
		}
		if v.System == measurement.Synchronous || v.System == measurement.Concurrent {
			j.Waited = max(0, j.Received-0.1) // for a place or a start: submissions take less
		}
		r.Jobs = append(r.Jobs, j)
	}
	used, jobs := made.Usage.ProcessorSeconds*math.Exp(0.01*chance.NormFloat64()), float64(len(made.Jobs))
	r.Footer.Used = map[string]float64{"worker-lambda": used - (standIns+sender)*jobs, "ministack": standIns * jobs, "sender": sender * jobs}
	return r
}

// start returns the processor seconds of an environment's start.
func start(v measurement.Variant) float64 {
	if v.Engine == measurement.TensorFlow {
		return 0.7
	}
	return 0.15
}

// machineOf returns the parameters of the simulation for a system, defined here independently.
func machineOf(v measurement.Variant) simulation.Machine {
	m := simulation.Machine{
		Processors: cores, Before: simulation.Constant(before), Beside: simulation.Constant(beside), After: simulation.Constant(after), Demand: demand(v),
		Delay: func(chance *rand.Rand) float64 { return 0.005 + 0.01*chance.Float64() },
	}
	if v.System != measurement.Flask {
		m.Slowdown = 0.2
	}
	switch v.System {
	case measurement.Daemon:
		m.Environments, m.JobsAtOnce = 1, 2
	case measurement.Flask:
		m.Environments, m.JobsAtOnce = 1, 4
	case measurement.Concurrent:
		m.Environments, m.JobsAtOnce, m.Start = 1, 2, simulation.Constant(start(v))
	default:
		m.Environments, m.JobsAtOnce, m.Start, m.Idle = 2, 1, simulation.Constant(start(v)), float64(v.IdleS)
	}
	return m
}

// Plan returns a plan of systems under several patterns.
func Plan() measurement.Plan {
	p := measurement.Plan{Repetitions: 10, Seed: 20}
	for _, engine := range []string{measurement.ONNX, measurement.TensorFlow} {
		p.Variants = append(p.Variants,
			measurement.Variant{System: measurement.Service, Engine: engine, Size: 512, Jobs: 20, Threads: 1},
			measurement.Variant{System: measurement.Service, Engine: engine, Size: 512, Jobs: 20, Threads: 1, MemoryMB: 885, PeriodMS: 20},
			measurement.Variant{System: measurement.Service, Engine: engine, Size: 512, Jobs: 20, Threads: 2, MemoryMB: 3538, PeriodMS: 20})
		for _, v := range []measurement.Variant{
			{System: measurement.Daemon, Pattern: measurement.Steady, Rate: 4},
			{System: measurement.Daemon, Pattern: measurement.Poisson, Rate: 2.5},
			{System: measurement.Daemon, Pattern: measurement.Poisson, Rate: 4},
			{System: measurement.Daemon, Pattern: measurement.Bursts, Rate: 2.5},
			{System: measurement.MiniStack, Pattern: measurement.Steady, Rate: 4},
			{System: measurement.MiniStack, Pattern: measurement.Poisson, Rate: 4},
			{System: measurement.Synchronous, MemoryMB: 3007, Threads: 1, Concurrency: 1, Environments: 2, IdleS: 2, Pattern: measurement.Steady, Rate: 4},
			{System: measurement.Synchronous, MemoryMB: 3007, Threads: 1, Concurrency: 1, Environments: 2, IdleS: 2, Pattern: measurement.Bursts, Rate: 2.5},
			{System: measurement.Concurrent, MemoryMB: 3007, Threads: 1, Concurrency: 2, Environments: 1, Pattern: measurement.Steady, Rate: 4},
			{System: measurement.Concurrent, MemoryMB: 3007, Threads: 1, Concurrency: 2, Environments: 1, Pattern: measurement.Poisson, Rate: 2.5},
		} {
			v.Engine, v.Size, v.Jobs = engine, 512, 200
			p.Variants = append(p.Variants, v)
		}
	}
	flask := measurement.Variant{System: measurement.Flask, Engine: measurement.TensorFlow, Size: 512, Jobs: 200, Pattern: measurement.Steady, Rate: 4}
	p.Variants = append(p.Variants, flask)
	flask.Pattern, flask.Rate = measurement.Poisson, 2.5
	p.Variants = append(p.Variants, flask)
	return p
}

// Add makes all runs of the chosen variants of a plan, from time began on. Runs that don't
// calibrate name the folder's predictions, as in a measurement.
func (w World) Add(t *testing.T, dir string, p measurement.Plan, began time.Time, chosen func(measurement.Variant) bool) {
	t.Helper()
	f, err := measurement.Open(dir, p)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	predictions := ""
	if b, err := os.ReadFile(filepath.Join(dir, measurement.PredictionsFile)); err == nil {
		predictions = fmt.Sprintf("%x", sha256.Sum256(b))
	}
	for repetition := 1; repetition <= p.Repetitions; repetition++ {
		for _, v := range p.Variants {
			if !chosen(v) || !p.In(v, repetition) {
				continue
			}
			began = began.Add(time.Minute)
			r := w.run(t, p, v, repetition, began)
			if !v.Calibrates() {
				r.Header.Predictions = predictions
			}
			if err := f.Add(r); err != nil {
				t.Fatal(err)
			}
		}
	}
}
