// Package assumptions has every figure of the comparison that is neither measured here nor a
// documented value of the simulation, with its unit and source. The report and the plan both use
// it, so that they compute the same bills and latencies.
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
	Placing   = 0.5   // placing of a new environment, before its init: not billed
	Boot      = 180.0 // boot of an instance, until it receives jobs
	KeepAlive = 600.0 // keep-alive of an idle environment, the middle one of [simulation.KeepAlives]

	storeCalls       = 30.0   // calls of a worker to EFS per picture
	storeCallSeconds = 2.7e-3 // of each
	// StoreSeconds is the time in seconds that a worker waits for EFS per picture. Functions are
	// billed for it, and it occupies a slot of an instance. One machine has its own disk, like the
	// measured systems.
	StoreSeconds = storeCalls * storeCallSeconds
)

// Throughput of reads from EFS, in bytes a second.
const (
	EnvironmentReads = 500 << 20 // for one environment
	FileSystemReads  = 20 << 30  // for all environments together
)

// Compute.
const (
	Architecture = "x86_64"
	InstanceType = "c7i.large"
	Processors   = 2     // processors of InstanceType, and the number of jobs at once of its daemon
	Disk         = 12.0  // GB of an instance, without pictures
	DaemonPolls  = 180.0 // empty receives an hour by a daemon without jobs: long polls of 20 s

	MaximumConcurrency = 5   // of the mapping, the template's default
	MaximumInstances   = 2   // the template's default
	ManagedShare       = 0.5 // share of busy processors at which managed instances are scaled

	mbAProcessor = 1769.0 // of a function's memory, for one processor
)

// Yields returns the scenarios for two jobs at once on an instance with two processors: the work that
// is done, divided by that of two cores. c7i.large has one core with two hardware threads.
func Yields() []float64 { return []float64{0.6, 1} }

// StoreShares returns the scenarios for a worker's waits for EFS per picture, as shares of
// [StoreSeconds]: most calls carry no data, and may take less time than writes.
func StoreShares() []float64 { return []float64{0.25, 0.5, 1} }

// YieldOf returns the yield for pictures that compute for work seconds and wait for EFS for wait
// seconds; while they wait they need no processor.
func YieldOf(yield, work, wait float64) float64 { return (work + wait) / (work/yield + wait) }

// Threads returns the engine's threads in a function with memoryMB: one for each processor, rounded
// to the nearest number. The deployment sets them, so that it runs what was measured.
func Threads(memoryMB int) int {
	return max(1, int(math.Round(float64(memoryMB)/mbAProcessor)))
}

// coldMetadata is the number of calls of a cold start to EFS that carry no data.
const coldMetadata = 100

// ColdCalls returns the assumed calls of a cold start to EFS with an engine, for use without
// measured ones. TensorFlow is on EFS, and its start reads ahead as in the template. ONNX Runtime
// is in the function's archive.
func ColdCalls(engine string) cost.Calls {
	if engine != measurement.TensorFlow {
		return cost.Calls{}
	}
	return ColdReads(955, 291.7e6)
}

// ColdReads returns the calls of a cold start with the given number of READs and their total bytes.
func ColdReads(reads, bytes float64) cost.Calls {
	return cost.Calls{Reads: reads, ReadBytes: bytes / reads, Metadata: coldMetadata}
}

// ReadSeconds returns the time that the reads of a cold start take if no other environment reads.
// It is billed.
func ReadSeconds(c cost.Calls) float64 { return c.Reads * c.ReadBytes / EnvironmentReads }

// Mapping returns the mapping of a queue to a function with at most maximum invocations at once; 0
// means AWS's own limit.
func Mapping(maximum int) simulation.Mapping {
	m := simulation.DefaultMapping(maximum)
	m.Transit = Transit
	return m
}

// Function returns a function with the given init and calls of a cold start.
func Function(init simulation.Distribution, cold cost.Calls, keepAlive float64) simulation.Function {
	return simulation.Function{
		Place: simulation.Constant(Placing), Init: init,
		ColdReadBytes: cold.Reads * cold.ReadBytes, EnvironmentThroughput: EnvironmentReads, Throughput: FileSystemReads,
		KeepAlive: keepAlive, Lifetime: simulation.LifetimeSeconds,
		Concurrency: simulation.DefaultConcurrency, JobsAtOnce: 1, Processors: 1,
	}
}

// Instances returns instances with the given number of processors and one job at once on each,
// scaled between minimum and maximum by the template's policy. yield is one of [Yields], or
// computed by [YieldOf].
func Instances(processors, minimum, maximum int, yield float64) simulation.Instances {
	return simulation.Instances{
		Transit: Transit, Slots: processors, Processors: float64(processors) * yield, Boot: simulation.Constant(Boot),
		Minimum: minimum, Maximum: maximum, Policy: simulation.BacklogPolicy(simulation.BacklogPerInstance),
	}
}

// MeasuredColdCalls returns the calls of a cold start to the network file system as the template
// has it, from the runs of an engine; false if none was measured.
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

// UncachedSeconds returns how much longer a start with an engine in the function's archive takes if
// none of its files is cached in memory, as in a new environment. It compares runs of a worker with
// a function's share of the processors that began with evicted files with runs that differ only in
// that; of several variants it returns the longest. It returns 0 if one of them is missing, and for
// an engine on EFS, whose reads are [ColdCalls].
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
	longest := 0.0 // a full measurement has only one such variant
	for v, e := range evicted {
		if c := cached[v]; c.n > 0 {
			longest = max(longest, e.sum/e.n-c.sum/c.n)
		}
	}
	return longest
}
