package report

import (
	"math"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/assumptions"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
)

// alone returns a worker whose pictures take the given seconds, in a function of 3,007 MB and on an
// instance.
func alone(engine string, warm, start, work float64, shares *byVolume) worker {
	runs := func(v measurement.Variant, seconds, billed float64) group {
		v.System, v.Engine, v.Size = measurement.Service, engine, 512
		return group{v, []*measurement.Run{{Header: measurement.Header{Variant: v}, Jobs: []measurement.Job{
			{Cold: true, Handler: seconds, Billed: billed + start}, {Handler: seconds, Billed: billed}, {Handler: seconds, Billed: billed},
		}}}}
	}
	w := worker{
		function: runs(measurement.Variant{MemoryMB: 3007, PeriodMS: 20, Threads: 2}, warm, warm),
		instance: runs(measurement.Variant{Threads: 1}, work, work),
		cold:     shares, keepAlives: []*byVolume{shares}, peak: 1, coldCalls: assumptions.ColdCalls(engine),
		capacities: []capacity{{0.6, 7, 10}, {1, 10, 20}},
	}
	return w
}

// fewer returns shares of cold starts: 3.1% at 500 pictures a day, decreasing with the square of
// the volume.
func fewer() *byVolume {
	c := &byVolume{}
	for log := 2.0; log <= 9; log += volumeStep {
		c.logs = append(c.logs, log)
		c.values = append(c.values, math.Min(1, 0.031*math.Pow(500*cost.Hours/24/math.Pow(10, log), 2)))
	}
	return c
}

func virginia(t *testing.T) *prices.Table {
	t.Helper()
	table, err := prices.ForRegion("us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func nearly(t *testing.T, what string, got, want, share float64) {
	t.Helper()
	if !(math.Abs(got-want) <= share*math.Abs(want)) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// A million pictures of 0.061 s, 1% of them in environments that start. Each is also billed for
// 0.081 s of waits for EFS: 1e6 x 0.142 x 3007/1024 x 0.0000166667 + 0.2 + 0.26 $. A start with
// TensorFlow is billed for 0.5 s and 0.556 s of reads, and reads 955 x 299 KiB and 100 x 4 KiB:
// 10,000 x (1.056 x 3007/1024 x 0.0000166667 + 0.27232 x 0.03 + 0.0000114) $.
func TestFunctionsByHand(t *testing.T) {
	ten := &byVolume{logs: []float64{2, 9}, values: []float64{0.01, 0.01}}
	for engine, want := range map[string]float64{
		measurement.ONNX:       1e6*0.142*3007/1024*0.0000166667 + 0.2 + 0.2628 + 10_000*0.5*3007/1024*0.0000166667,
		measurement.TensorFlow: 1e6*0.142*3007/1024*0.0000166667 + 0.2 + 0.2628 + 10_000*(1.0564*3007/1024*0.0000166667+0.27232*0.03+0.0000114),
	} {
		w := alone(engine, 0.061, 0.5, 0.1, ten)
		d, m := w.base(virginia(t), nil, nil).functions(1e6)
		bill, err := d.Bill(virginia(t), m)
		if err != nil {
			t.Fatal(err)
		}
		nearly(t, engine, bill.USD(cost.Compute), want, 1e-3)
	}
}

// On EFS a picture of 0.1 s occupies a slot for 0.181 s: two slots do 11.05 a second, or 20 with a
// local disk. If two jobs at once share one core, they do 0.6 of that on the disk, and 0.73 of that
// with the waits, which do not use the core.
func TestCapacity(t *testing.T) {
	for _, c := range []struct{ wait, yield, want float64 }{{0, 1, 20}, {0.081, 1, 11.05}, {0, 0.6, 12}, {0.081, 0.6, 8.07}} {
		got, err := sustained([]float64{0.1}, c.wait, c.yield, 1, 20_000)
		if err != nil {
			t.Fatal(err)
		}
		nearly(t, "pictures a second", got, c.want, 0.03)
	}
}

// If an instance sustains fewer pictures, the second one is needed earlier.
func TestRunningByCapacity(t *testing.T) {
	s := scenario{peak: 1}
	for capacity, want := range map[float64]float64{10: 1, 6: 2} {
		nearly(t, "hours", s.running(7*cost.Seconds, capacity).Hours, want*cost.Hours, 1e-9)
	}
	w := alone(measurement.ONNX, 0.1, 0.1, 0.1, fewer())
	yields := map[float64]int{}
	for _, s := range w.variations(virginia(t)) {
		yields[s.capacity.yield]++
	}
	if len(yields) != 2 || yields[0.6] != yields[1] {
		t.Errorf("the scenarios have the yields %v", yields)
	}
}

// 730 jobs at random occupy 730 x (1 - 1/e) of the hours; a nightly batch occupies one hour of a
// day.
func TestHoursWithJobs(t *testing.T) {
	nearly(t, "at random", scenario{size: 512}.month(730).Active, 461.5, 1e-3)
	p := nightly(effort{jobs: 1000})
	times, err := p.arrivals(100 * nightsAMonth)
	if err != nil {
		t.Fatal(err)
	}
	nearly(t, "each night", active(times, 100*nightsAMonth), 30.4, 1e-2)
}

// TensorFlow is billed 0.036 s per picture, ONNX Runtime 0.061 s: 25e-3 x 3007/1024 x 0.0000166667
// = 1.22e-6 $ less. A start of TensorFlow costs 0.008 $ more, most of it for reads. At 500 a day,
// with 3.1% of starts, ONNX Runtime is cheaper. Where starts are less than 1.22e-6 / 0.00819 =
// 1.5e-4 of the pictures, above 500 x sqrt(0.031 / 1.5e-4) = 7,200 a day, it is not.
func TestEngineByBills(t *testing.T) {
	slow, fast := alone(measurement.ONNX, 0.061, 0.05, 0.1, fewer()), alone(measurement.TensorFlow, 0.036, 0.5, 0.1, fewer())
	all := []worker{fast, slow}
	if err := sortByCompute(all, virginia(t)); err != nil {
		t.Fatal(err)
	}
	if all[0].function.variant.Engine != measurement.ONNX {
		t.Errorf("took %s", all[0].function.variant.Engine)
	}
	where, err := all[0].lessThan(&all[1], virginia(t))
	if err != nil || !strings.HasPrefix(where, "below 7,") {
		t.Errorf("ONNX Runtime costs less %s (%v), want below some 7,200 a day", where, err)
	}
	text, err := engines(all, virginia(t), make([]finding, 3))
	for _, want := range []string{"use ONNX Runtime: compute costs less than with TensorFlow " + where, "at 500 pictures a day", "at 86,400 pictures a day", "is billed 0.142\u00a0s", "with TensorFlow it is 0.117\u00a0s and 1.06\u00a0s"} {
		if err != nil || !strings.Contains(text, want) {
			t.Errorf("%q is not in %q (%v)", want, text, err)
		}
	}
}

// If a change of price leaves no crossing, the sensitivity table shows "always" or "never".
func TestAlwaysOrNever(t *testing.T) {
	w := alone(measurement.ONNX, 0.061, 0.05, 0.1, fewer())
	base := w.base(virginia(t), nil, nil)
	for _, c := range []struct {
		price  string
		factor float64
		want   string
	}{{"ec2.c7i.large", 1e6, "always"}, {"lambda.x86.gb-seconds", 1e9, "never"}} {
		s := base
		s.prices = base.prices.Scaled(c.price, c.factor)
		v := views[0]
		found, err := quickCrossings(v.compare(s), 0, v.scope, lowestDuty, highestDuty)
		if err != nil || len(found) > 0 {
			t.Fatal(found, err)
		}
		if got, err := v.highest(s, found, 0); err != nil || got != c.want {
			t.Errorf("%v times %s: %s, %v, want %s", c.factor, c.price, got, err, c.want)
		}
	}
}

// The recommendation includes the range over the scenarios.
func TestBandOfCrossing(t *testing.T) {
	w := alone(measurement.ONNX, 0.061, 0.05, 0.1, fewer())
	f, err := find(views[0], &w, virginia(t))
	if err != nil || len(f.turns) != 1 {
		t.Fatal(f, err)
	}
	at, rest, ok := strings.Cut(f.cheaper, " a day (")
	if !ok || !strings.HasPrefix(at, "below ") {
		t.Fatalf("functions cost less %s", f.cheaper)
	}
	low, high, _ := strings.Cut(rest, " to ")
	// 0.142 s become 0.061 x 0.7 + 0.081 / 4 = 0.063 s or 0.173 s.
	nearly(t, "lowest", number(t, low), number(t, at)*0.142/0.1725, 0.03)
	nearly(t, "highest", number(t, high), number(t, at)*0.142/0.0630, 0.05)
}
