package report

import (
	"strings"
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
)

// made returns a group of one run with the given billed seconds of each picture. The first picture
// is cold.
func made(v measurement.Variant, billed ...float64) group {
	v.Engine, v.Size = measurement.ONNX, 512
	r := &measurement.Run{Header: measurement.Header{Variant: v}}
	for i, b := range billed {
		r.Jobs = append(r.Jobs, measurement.Job{Cold: i == 0, Handler: b, Billed: b})
	}
	return group{v, []*measurement.Run{r}}
}

func service(memory, threads int) measurement.Variant {
	v := measurement.Variant{System: measurement.Service, MemoryMB: memory, Threads: threads}
	if memory > 0 {
		v.PeriodMS = 20
	}
	return v
}

// The report uses the memory with the lowest compute cost: with 0.081 s of waits 885 MB x 0.181 s
// instead of 1,769 MB x 0.131 s, but 1,769 MB if 885 MB take 0.3 s. No cold start may be longer
// than the goal.
func TestCheapestMemory(t *testing.T) {
	for _, c := range []struct {
		cold, warm float64
		want       int
	}{{0.2, 0.1, 885}, {0.4, 0.3, 1769}, {9.6, 0.1, 1769}} {
		groups := []group{made(service(0, 1), 0.2, 0.05), made(service(885, 1), c.cold, c.warm), made(service(1769, 1), 0.15, 0.05), made(service(3007, 2), 0.1, 0.045), made(service(885, 3), 0.01, 0.01)}
		all := workers(groups, 0)
		if len(all) != 1 || all[0].function.variant.MemoryMB != c.want {
			t.Errorf("%+v: took %+v", c, all)
		}
	}
}

// A new environment has nothing cached: if evicted files made a start 0.05 s longer at 3,007 MB,
// they do so at 885 MB as well.
func TestStartIncludesUncachedFiles(t *testing.T) {
	evicted := service(3007, 2)
	evicted.Evicted = true
	groups := []group{made(service(0, 1), 0.2, 0.05), made(service(885, 1), 0.25, 0.1), made(service(3007, 2), 0.12, 0.05)}
	for memory, want := range map[int][2]float64{885: {0.15, 0.20}, 3007: {0.07, 0.12}} {
		w := workers(groups, memory)[0]
		nearly(t, "start in memory", w.start(nil), want[0], 1e-9)
		w = workers(append(groups, made(evicted, 0.17)), memory)[0]
		nearly(t, "start", w.start(nil), want[1], 1e-9)
	}
}

// The daemon's runs use 0.08 s of processor time per picture, where a worker alone takes 0.05 s:
// two processors suffice for 25 pictures a second, not 40, and with half of the yield for half as
// many.
func TestCapacityByProcessorTime(t *testing.T) {
	daemon := made(measurement.Variant{System: measurement.Daemon}, 0.05, 0.05)
	daemon.runs[0].Footer.Used = map[string]float64{"worker-daemon": 0.12, "api-server": 0.04, "sender": 5}
	groups := []group{made(service(0, 1), 0.2, 0.05), made(service(3007, 2), 0.12, 0.05), daemon}
	w := workers(groups, 3007)[0]
	if err := w.simulate(1, 500); err != nil {
		t.Fatal(err)
	}
	nearly(t, "pictures a second on its own disk", w.capacity().local, 25, 1e-9)
	nearly(t, "where two at once do 0.6", w.most(0.6), 15, 1e-9)
	if shared := w.capacity().shared; shared >= 16 {
		t.Errorf("with waits it sustains %v a second", shared)
	}
	s := w.base(virginia(t), nil, nil).waiting(0.01)
	nearly(t, "nearly without waits", s.capacity.shared, 25, 1e-9)
}

// Conclusions in the text are derived from the bills.
func TestConclusionsMatchTheBills(t *testing.T) {
	w := alone(measurement.ONNX, 0.061, 0.05, 0.1, fewer())
	for _, c := range []struct {
		factor float64
		want   string
	}{{1, "Most of the bill is for other services"}, {1000, "Most of the bill is for painting"}} {
		s := w.base(virginia(t), nil, nil)
		s.warm *= c.factor
		text, err := painting(s, finding{turns: []cost.Crossing{{Pictures: 30_000}}})
		if err != nil || !strings.Contains(text, c.want) {
			t.Errorf("%v times as long: %q, %v", c.factor, text, err)
		}
	}
	at := func(duty float64) finding { return finding{turns: []cost.Crossing{{Duty: duty}}} }
	if low, high := turnsLower(at(0.2), at(0.01)), turnsLower(at(0.01), at(0.2)); !strings.Contains(low, "at a lower duty") || !strings.Contains(high, "do not begin to cost more") {
		t.Errorf("got %q and %q", low, high)
	}
	if text := turnsLower(at(0.2), finding{}); text != "" {
		t.Errorf("without a crossing: %q", text)
	}
	if text := (finding{}).advice("always-on instances"); text != "use always-on instances at every volume that one instance sustains" {
		t.Errorf("got %q", text)
	}
}
