package cost_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/cost"
)

// linear returns a bill of fixed dollars plus each dollars per picture.
func linear(fixed, each float64) func(float64) (cost.Bill, error) {
	return bill(func(n float64) float64 { return fixed + n*each })
}

func bill(f func(n float64) float64) func(float64) (cost.Bill, error) {
	return func(n float64) (cost.Bill, error) {
		return cost.Bill{Rows: []cost.Row{{USD: f(n), Scope: cost.Compute}, {USD: 5, Scope: cost.Shared}}}, nil
	}
}

func TestDuty(t *testing.T) {
	within(t, "a picture a second of two", cost.Duty(2_628_000, 2), 0.5, 1e-12)
	within(t, "a saving", cost.Saving(30, 100), 0.7, 1e-12)
	within(t, "a loss", cost.Saving(150, 100), -0.5, 1e-12)
}

// Functions cost 1 $ and 20 millionths per picture, an instance 60 $ with 2 pictures a second:
// equal at (60-1)/20e-6 pictures, 70% less at (18-1)/20e-6.
func TestCrossingsOfLines(t *testing.T) {
	c := cost.Comparison{Functions: linear(1, 20e-6), Instances: linear(60, 0), Capacity: 2}
	for level, pictures := range map[float64]float64{0: 59 / 20e-6, 0.7: 17 / 20e-6} {
		found, err := c.Crossings(level, cost.Compute, 1e-5, 2)
		if err != nil || len(found) != 1 {
			t.Fatalf("at %v: %+v, %v", level, found, err)
		}
		within(t, "pictures", found[0].Pictures, pictures, 1e-9)
		within(t, "duty", found[0].Duty, pictures/2/2_628_000, 1e-9)
		if found[0].Rising || found[0].Jump {
			t.Errorf("got a rising crossing or a step, want neither: %+v", found[0])
		}
	}
	// The whole bill is 5 $ higher on both sides: 1+5+n*20e-6 = 0.3*(60+5).
	found, err := c.Crossings(0.7, cost.Whole, 1e-5, 2)
	if err != nil || len(found) != 1 {
		t.Fatalf("of the whole bill: %+v, %v", found, err)
	}
	within(t, "pictures of the whole bill", found[0].Pictures, (0.3*65-6)/20e-6, 1e-9)
	saving, err := c.Saving(found[0].Duty, cost.Whole)
	if err != nil {
		t.Fatal(err)
	}
	within(t, "the saving there", saving, 0.7, 1e-9)
}

// If each rare picture starts an environment with a dollar of reads, functions cost more in two
// ranges: at low duties because of cold starts, and at high duties.
func TestSeveralCrossings(t *testing.T) {
	cold := func(n float64) float64 { return min(1, 1000/n) * n * math.Exp(-math.Pow(math.Log(n/10_000), 2)) * 0.02 }
	c := cost.Comparison{
		Functions: bill(func(n float64) float64 { return cold(n) + n*20e-6 }),
		Instances: linear(10, 0), Capacity: 2,
	}
	found, err := c.Crossings(0, cost.Compute, 1e-6, 2)
	if err != nil || len(found) != 3 {
		t.Fatalf("%+v, %v", found, err)
	}
	for i, want := range []bool{false, true, false} {
		if found[i].Rising != want {
			t.Errorf("crossing %d: %+v", i, found[i])
		}
		saving, err := c.Saving(found[i].Duty, cost.Compute)
		if err != nil || math.Abs(saving) > 1e-6 {
			t.Errorf("crossing %d is not at the level: a saving of %v, %v", i, saving, err)
		}
	}
}

// A second instance makes functions cheaper again, in a step.
func TestCrossingInAStep(t *testing.T) {
	c := cost.Comparison{
		Functions: linear(0, 20e-6), Capacity: 1,
		Instances: bill(func(n float64) float64 { return 40 * math.Ceil(n/2_500_000) }),
	}
	found, err := c.Crossings(0, cost.Compute, 0.1, 1.5)
	if err != nil || len(found) != 2 {
		t.Fatalf("%+v, %v", found, err)
	}
	if found[0].Jump || found[0].Rising || !found[1].Jump || !found[1].Rising {
		t.Errorf("%+v", found)
	}
	within(t, "the first", found[0].Pictures, 2_000_000, 1e-9)
	within(t, "the step", found[1].Pictures, 2_500_000, 1e-9)
}

func TestInvalidComparisonsAreRefused(t *testing.T) {
	c := cost.Comparison{Functions: linear(1, 1), Instances: linear(1, 0), Capacity: 1}
	free := cost.Comparison{Functions: linear(1, 1), Instances: func(float64) (cost.Bill, error) { return cost.Bill{}, nil }, Capacity: 1}
	failing := cost.Comparison{Functions: func(float64) (cost.Bill, error) { return cost.Bill{}, fmt.Errorf("no such price") }, Instances: linear(1, 0), Capacity: 1}
	for name, err := range map[string]error{
		"no duty":       second(c.Saving(0, cost.Compute)),
		"no capacity":   second(cost.Comparison{}.Saving(1, cost.Compute)),
		"nothing to":    second(free.Saving(1, cost.Compute)),
		"no range":      second(c.Crossings(0, cost.Compute, 1, 1)),
		"from 0":        second(c.Crossings(0, cost.Compute, 0, 1)),
		"a failed bill": second(failing.Crossings(0, cost.Compute, 0.1, 1)),
	} {
		if err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// One machine has neither gateway nor file system: with few pictures its instance costs more than
// functions at rest, with many it is the cheapest.
func TestOneMachineAgainstFunctions(t *testing.T) {
	function := cost.ServerlessMode(cost.Function{Architecture: "x86_64", Memory: 3007, Warm: 0.25, IdlePolls: cost.IdlePolls(5)}, sweepsByHand)
	for pictures, want := range map[float64]bool{15_000: true, 2e6: false} {
		m := cost.Month{Pictures: pictures, Picture: byHand, Kept: 1}
		machine := cost.OneMachine(cost.Instances{Type: "c7i.large", Hours: cost.Hours, Always: true, Disk: 100}, m)
		functions, err := function.Bill(table(t), m)
		if err != nil {
			t.Fatal(err)
		}
		one, err := machine.Bill(table(t), m)
		if err != nil {
			t.Fatal(err)
		}
		if less := functions.USD(cost.Whole) < one.USD(cost.Whole); less != want {
			t.Errorf("%v pictures: functions cost less: %v", pictures, less)
		}
	}
}

func ExampleComparison_Crossings() {
	c := cost.Comparison{
		Functions: linear(0.26, 12.7e-6), // dollars a month, and a picture
		Instances: linear(66, 0),
		Capacity:  8, // pictures a second
	}
	for _, level := range []float64{0.7, 0} {
		found, err := c.Crossings(level, cost.Compute, 1e-6, 1)
		if err != nil {
			panic(err)
		}
		for _, x := range found {
			fmt.Printf("functions save %.0f%% at a duty of %.1f%%, %.1f million pictures a month\n", level*100, x.Duty*100, x.Pictures/1e6)
		}
	}
	// Output:
	// functions save 70% at a duty of 7.3%, 1.5 million pictures a month
	// functions save 0% at a duty of 24.6%, 5.2 million pictures a month
}
