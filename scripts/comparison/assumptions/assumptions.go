// Package assumptions has each figure of the comparison that is neither measured here nor a documented
// value of the simulation, once, with its unit and its source. The report and the plan both take them from here,
// so that a bill or a latency of the one is that of the other.
package assumptions

import (
	"math"

	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
)

// Times, in seconds.
const (
	Transit   = 0.1   // from submission until a message can be received
	Placing   = 0.5   // of a new environment, before its init: not billed
	Boot      = 180.0 // of an instance, until it takes jobs
	KeepAlive = 600.0 // of an idle environment, the middle one of [simulation.KeepAlives]

	storeCalls       = 30.0 // of a worker to EFS for a picture
	storeCallSeconds = 2.7e-3
	// StoreSeconds is what a worker waits for EFS in a picture. Functions are billed for it, and a slot of an
	// instance is taken by it; one machine has its own disk, as the measured ones have.
	StoreSeconds = storeCalls * storeCallSeconds
)

// Throughput of reads from EFS, in bytes a second.
const (
	EnvironmentReads = 500 << 20 // of one environment
	FileSystemReads  = 20 << 30  // of all together
)

// The compute.
const (
	Architecture = "x86_64"
	InstanceType = "c7i.large"
	Processors   = 2     // of InstanceType, and jobs at once of its daemon
	Disk         = 12.0  // GB of an instance, without pictures
	DaemonPolls  = 180.0 // empty receives an hour of a daemon without jobs: long polls of 20 s

	MaximumConcurrency = 5   // the template's, of the mapping
	MaximumInstances   = 2   // the template's
	ManagedShare       = 0.5 // of the processors, at which managed instances are scaled

	mbAProcessor = 1769.0 // of a function's memory
)

// Yields are the scenarios of what two jobs at once on an instance with two processors do, over twice what one
// alone does. c7i.large has one core with two hardware threads.
func Yields() []float64 { return []float64{0.6, 1} }

// StoreShares are the scenarios of what a worker waits for EFS in a picture, over [StoreSeconds]: calls without data,
// which most are, may take less than writes.
func StoreShares() []float64 { return []float64{0.25, 0.5, 1} }

// YieldOf is a yield of pictures that take so many seconds of a processor and wait so many for EFS, in which they
// need none.
func YieldOf(yield, work, wait float64) float64 { return (work + wait) / (work/yield + wait) }

// Threads are those of the engine in a function with so many MB: one for each processor, to the nearest.
// They are set when it is deployed, so that what runs is what was measured.
func Threads(memoryMB int) int {
	return max(1, int(math.Round(float64(memoryMB)/mbAProcessor)))
}

// coldMetadata are the calls of a cold start to EFS that carry no data.
const coldMetadata = 100

// ColdCalls are those of a cold start to EFS with an engine, where no run has them: TensorFlow lies there, and
// its start reads ahead as the template has it. ONNX Runtime is in the function's archive.
func ColdCalls(engine string) cost.Calls {
	if engine != measurement.TensorFlow {
		return cost.Calls{}
	}
	return ColdReads(955, 291.7e6)
}

// ColdReads are the calls of a cold start with so many READs of so many bytes together.
func ColdReads(reads, bytes float64) cost.Calls {
	return cost.Calls{Reads: reads, ReadBytes: bytes / reads, Metadata: coldMetadata}
}

// ReadSeconds is how long the reads of a cold start take, where no other environment reads. They are billed.
func ReadSeconds(c cost.Calls) float64 { return c.Reads * c.ReadBytes / EnvironmentReads }

// Mapping is that of a queue to a function with at most so many invocations at once; 0 is AWS's own limit.
func Mapping(maximum int) simulation.Mapping {
	m := simulation.DefaultMapping(maximum)
	m.Transit = Transit
	return m
}

// Function is one with the given init and calls of a cold start.
func Function(init simulation.Distribution, cold cost.Calls, keepAlive float64) simulation.Function {
	return simulation.Function{
		Place: simulation.Constant(Placing), Init: init,
		ColdReadBytes: cold.Reads * cold.ReadBytes, EnvironmentThroughput: EnvironmentReads, Throughput: FileSystemReads,
		KeepAlive: keepAlive, Lifetime: simulation.LifetimeSeconds,
		Concurrency: simulation.DefaultConcurrency, JobsAtOnce: 1, Processors: 1,
	}
}

// Instances are those with so many processors, and a job at once on each: between minimum and maximum of them
// by the template's policy. yield is one of [Yields], or [YieldOf] one.
func Instances(processors, minimum, maximum int, yield float64) simulation.Instances {
	return simulation.Instances{
		Transit: Transit, Slots: processors, Processors: float64(processors) * yield, Boot: simulation.Constant(Boot),
		Minimum: minimum, Maximum: maximum, Policy: simulation.BacklogPolicy(simulation.BacklogPerInstance),
	}
}

// MeasuredColdCalls are those of a cold start to the network file system as the template has it, by the runs of an
// engine that has them; false where none has.
func MeasuredColdCalls(runs []*measurement.Run, engine string) (cost.Calls, bool) {
	if engine != measurement.TensorFlow {
		return cost.Calls{}, false
	}
	var starts, reads, bytes float64
	for _, r := range runs {
		if v := r.Header.Variant; v.System != measurement.Service || v.Engine != engine || !v.NFS || !v.ReadAhead {
			continue
		}
		for _, j := range r.Jobs {
			if j.Cold && j.Failed == "" && j.NFSReads > 0 {
				starts, reads, bytes = starts+1, reads+float64(j.NFSReads), bytes+float64(j.NFSBytes)
			}
		}
	}
	if starts == 0 {
		return cost.Calls{}, false
	}
	return ColdReads(reads/starts, bytes/starts), true
}

// UncachedSeconds is by how much a start with an engine in the function's archive takes longer where none of its files
// is in memory, as in a new environment, than where all are: by the runs of a worker at a function's share of the
// processors that began with them evicted, and those that are alike but for that (the longest of several). It is 0 where one of them is missing, and
// for an engine on EFS, whose reads are [ColdCalls].
func UncachedSeconds(runs []*measurement.Run, engine string) float64 {
	if ColdCalls(engine) != (cost.Calls{}) {
		return 0
	}
	type total struct{ sum, n float64 }
	evicted, cached := map[measurement.Variant]total{}, map[measurement.Variant]total{}
	for _, r := range runs {
		v := r.Header.Variant
		if v.System != measurement.Service || v.Engine != engine || v.Network != "" || v.NFS || v.CPUs() == 0 {
			continue
		}
		of := cached
		if v.Evicted {
			of = evicted
		}
		v.Evicted, v.Jobs = false, 0
		for _, j := range r.Jobs {
			if j.Cold && j.Failed == "" {
				t := of[v]
				of[v] = total{t.sum + j.Billed, t.n + 1}
			}
		}
	}
	longest := 0.0 // of one variant, as in a full measurement, it is that one's
	for v, e := range evicted {
		if c := cached[v]; c.n > 0 {
			longest = max(longest, e.sum/e.n-c.sum/c.n)
		}
	}
	return longest
}
