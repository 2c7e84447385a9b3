package assumptions_test

import (
	"math"
	"os"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/atelier-go/atelier/scripts/comparison/assumptions"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
)

// Assumptions about the deployment have the values of its template.
func TestAssumptionsMatchTemplate(t *testing.T) {
	b, err := os.ReadFile("../../deploy/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Parameters map[string]struct {
			Default any `yaml:"Default"`
		} `yaml:"Parameters"`
		Resources map[string]struct {
			Type       string `yaml:"Type"`
			Properties struct {
				EstimatedInstanceWarmup float64 `yaml:"EstimatedInstanceWarmup"`
				LaunchTemplateData      struct {
					BlockDeviceMappings []struct {
						Ebs struct {
							VolumeSize float64 `yaml:"VolumeSize"`
						} `yaml:"Ebs"`
					} `yaml:"BlockDeviceMappings"`
				} `yaml:"LaunchTemplateData"`
			} `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(b, &template); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"MaximumConcurrency": assumptions.MaximumConcurrency, "MaxInstances": assumptions.MaximumInstances,
		"InstanceType": assumptions.InstanceType,
	} {
		if got := template.Parameters[name].Default; got != want {
			t.Errorf("%s is %v in the template, and assumed to be %v", name, got, want)
		}
	}
	var warmup, volume float64
	for _, r := range template.Resources {
		warmup = max(warmup, r.Properties.EstimatedInstanceWarmup)
		for _, d := range r.Properties.LaunchTemplateData.BlockDeviceMappings {
			volume = d.Ebs.VolumeSize
		}
	}
	if warmup != assumptions.Boot || volume != assumptions.Disk {
		t.Errorf("an instance's warm-up is %v s and its disk %v GB, and assumed to be %v and %v", warmup, volume, assumptions.Boot, assumptions.Disk)
	}
}

// Each assumption has a source and, except in bands, a unique name.
func TestAssumptionsHaveSources(t *testing.T) {
	values := map[string]map[float64]bool{}
	for _, v := range assumptions.Values() {
		if v.Source == "" || values[v.Name][v.Value] {
			t.Errorf("%+v has no source or is listed twice", v)
		}
		if values[v.Name] == nil {
			values[v.Name] = map[float64]bool{}
		}
		values[v.Name][v.Value] = true
	}
	for name, of := range values {
		if len(of) > 1 && name[:5] != "band:" {
			t.Errorf("%q has several values: %v", name, of)
		}
	}
}

// A picture of 512 px has a file of 104,858 bytes. The API's calls to EFS are those of submission,
// status requests and result: 14, 4 + 12 + 5 and 5 without data, each metered as 4 KiB; READs of
// spec, outcome and status as 32 KiB each, and one of the result. The programs log 5,100 bytes,
// which Lambda's and the gateway's lines increase to 10.8 KB.
func TestPicture(t *testing.T) {
	m := assumptions.Month(1, 512, 730)
	p := m.Picture
	read, written := p.Submission.Metered()
	near(t, "API reads", read*(1<<30), (40*4+3*32+103)*1024, 0.01)
	near(t, "API writes", written*(1<<30), 2*52*1024, 0.01)
	read, _ = p.Painting.Metered()
	near(t, "worker reads", read*(1<<30), (24*4+2*103)*1024, 0.01)
	near(t, "stored", p.Stored, 2.2*0.4*512*512, 1e-9)
	near(t, "a picture of twice the side is stored in", assumptions.Month(1, 1024, 0).Picture.Stored, 4*p.Stored, 1e-9)
	near(t, "logs", p.LogBytes+9*p.CallLogBytes+8*p.AccessLogBytes, 10_818, 1e-9)
}

// A start with TensorFlow reads 291.7 MB at 500 MiB/s: 0.556 s. ONNX Runtime is in the archive.
func TestColdReads(t *testing.T) {
	near(t, "seconds", assumptions.ReadSeconds(assumptions.ColdCalls(measurement.TensorFlow)), 0.556, 0.001)
	if calls := assumptions.ColdCalls(measurement.ONNX); calls != (cost.Calls{}) {
		t.Errorf("ONNX Runtime reads %+v", calls)
	}
	run := func(v measurement.Variant, reads int, bytes int64) *measurement.Run {
		v.System, v.Engine = measurement.Service, measurement.TensorFlow
		return &measurement.Run{Header: measurement.Header{Variant: v}, Jobs: []measurement.Job{{Cold: true, NFSReads: reads, NFSBytes: bytes}, {NFSReads: 7}}}
	}
	runs := []*measurement.Run{run(measurement.Variant{NFS: true}, 3000, 327e6), run(measurement.Variant{NFS: true, ReadAhead: true}, 900, 90e6), run(measurement.Variant{NFS: true, ReadAhead: true}, 1000, 110e6)}
	calls, ok := assumptions.MeasuredColdCalls(runs, measurement.TensorFlow)
	if !ok || calls.Reads != 950 || math.Abs(calls.Reads*calls.ReadBytes-100e6) > 1 {
		t.Errorf("measured read ahead: %+v, %v; want 950 READs of 100 MB together", calls, ok)
	}
	if _, ok := assumptions.MeasuredColdCalls(runs[:1], measurement.TensorFlow); ok {
		t.Error("starts without read ahead, which are not deployed, are counted")
	}
}

// Evicted files make a start of an engine in the archive 0.05 s longer; TensorFlow's reads are
// counted separately.
func TestUncachedStart(t *testing.T) {
	run := func(engine string, evicted bool, billed float64) *measurement.Run {
		v := measurement.Variant{System: measurement.Service, Engine: engine, Size: 512, MemoryMB: 3007, PeriodMS: 20, Threads: 2, Evicted: evicted, Jobs: 20}
		return &measurement.Run{Header: measurement.Header{Variant: v}, Jobs: []measurement.Job{{Cold: true, Billed: billed}, {Billed: 9}}}
	}
	for engine, want := range map[string]float64{measurement.ONNX: 0.05, measurement.TensorFlow: 0} {
		runs := []*measurement.Run{run(engine, false, 0.12), run(engine, true, 0.16), run(engine, true, 0.18)}
		near(t, engine, assumptions.UncachedSeconds(runs, engine), want, 1e-9)
		near(t, engine+", not measured", assumptions.UncachedSeconds(runs[:1], engine), 0, 0)
	}
}

// Two pictures of 0.1 s of processor time and 0.081 s of waits, at once on one core with a yield of
// 0.6, take 0.248 s instead of 0.181 s.
func TestYieldOf(t *testing.T) {
	near(t, "yield", assumptions.YieldOf(0.6, 0.1, 0.081), 0.181/(0.1/0.6+0.081), 1e-9)
	near(t, "without waits", assumptions.YieldOf(0.6, 0.1, 0), 0.6, 1e-9)
}

func TestThreads(t *testing.T) {
	for memory, want := range map[int]int{0: 1, 885: 1, 1769: 1, 3007: 2, 3538: 2, 5307: 3} {
		if got := assumptions.Threads(memory); got != want {
			t.Errorf("%d MB: got %d threads, want %d", memory, got, want)
		}
	}
}

func near(t *testing.T, what string, got, want, share float64) {
	t.Helper()
	if !(math.Abs(got-want) <= share*math.Abs(want)) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
