package cost_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
)

// all returns a deployment with each kind of compute and a month that uses every row.
func all() (cost.Deployment, cost.Month) {
	d := cost.ServerlessMode(cost.Function{
		Architecture: "x86_64", Memory: 3007, Warm: 0.25, ColdShare: 0.1, Init: 0.5,
		ColdCalls: cost.Calls{Reads: 3000, ReadBytes: 90 << 10, Writes: 1}, IdlePolls: cost.IdlePolls(5),
	}, sweepsByHand)
	d.Instances = &cost.Instances{Type: "c7i.large", Hours: 100, Disk: 12, Addresses: 1, PollsPerHour: 180}
	return d, cost.Month{Pictures: 15_000, Picture: byHand, Kept: 2, Infrequent: 0.3, Active: 300}
}

// Doubling a price adds the cost of its rows once more and changes nothing else.
func TestDoubledPrices(t *testing.T) {
	d, m := all()
	table := table(t)
	before, err := d.Bill(table, m)
	if err != nil {
		t.Fatal(err)
	}
	doubled := 0
	for _, name := range table.Names() {
		var rows float64
		for _, r := range before.Rows {
			if r.Price == name {
				rows += r.USD
			}
		}
		after, err := d.Bill(table.Scaled(name, 2), m)
		if err != nil {
			t.Fatal(err)
		}
		within(t, "twice "+name, after.USD(cost.Whole), before.USD(cost.Whole)+rows, 1e-12)
		if rows > 0 {
			doubled++
		}
	}
	if doubled < 25 {
		t.Errorf("only %d prices change the bill", doubled)
	}
	// The fee is a share of EC2's price, so doubling this price doubles the fee too.
	managed := cost.ManagedMode(cost.Managed{Type: "c7i.large", Hours: 730}, sweepsByHand)
	for name, more := range map[string]float64{"ec2.c7i.large": 730 * 0.08925 * 1.15, "lambda.managed.fee": 730 * 0.08925 * 0.15} {
		before, err := managed.Bill(table, m)
		if err != nil {
			t.Fatal(err)
		}
		after, err := managed.Bill(table.Scaled(name, 2), m)
		if err != nil {
			t.Fatal(err)
		}
		within(t, "twice "+name, after.USD(cost.Whole), before.USD(cost.Whole)+more, 1e-12)
	}
}

func TestPriceFactor(t *testing.T) {
	instances := cost.Instances{Type: "c7i.large", Hours: 730, Disk: 12, Always: true}
	full, err := cost.EC2Mode(instances, sweepsByHand).Bill(table(t), cost.Month{})
	if err != nil {
		t.Fatal(err)
	}
	instances.PriceFactor = 0.35
	less, err := cost.EC2Mode(instances, sweepsByHand).Bill(table(t), cost.Month{})
	if err != nil {
		t.Fatal(err)
	}
	within(t, "65% less of the hours", less.USD(cost.Whole), full.USD(cost.Whole)-0.65*730*0.08925, 1e-12)
}

// More of anything never costs less.
func TestMoreNeverCostsLess(t *testing.T) {
	table := table(t)
	rapid.Check(t, func(t *rapid.T) {
		d, m := all()
		m.Pictures = math.Exp(rapid.Float64Range(0, 25).Draw(t, "log pictures"))
		m.FreeTier = rapid.Bool().Draw(t, "free tier")
		if rapid.Bool().Draw(t, "bursting") {
			d.Throughput = cost.Bursting
		}
		d.Function.ColdShare = rapid.Float64Range(0, 0.5).Draw(t, "cold share")
		before, err := d.Bill(table, m)
		if err != nil {
			t.Fatal(err)
		}
		function, instances, sweeps := *d.Function, *d.Instances, *d.Sweeps
		d.Function, d.Instances, d.Sweeps = &function, &instances, &sweeps
		quantities := map[string]*float64{
			"pictures": &m.Pictures, "months kept": &m.Kept, "requests": &m.Picture.APIRequests, "messages": &m.Picture.Messages,
			"stored": &m.Picture.Stored, "copied": &m.Picture.Copied, "downloaded": &m.Picture.Downloaded, "views": &m.Picture.Views,
			"logs": &m.Picture.LogBytes, "read bytes": &m.Picture.Painting.ReadBytes, "metadata": &m.Picture.Submission.Metadata,
			"memory": &function.Memory, "warm": &function.Warm, "init": &function.Init, "cold share": &function.ColdShare,
			"cold reads": &function.ColdCalls.Reads, "polls": &function.IdlePolls, "hours": &instances.Hours, "disk": &instances.Disk,
			"alarms": &d.Alarms, "sweeps": &sweeps.Billed,
		}
		for name, q := range quantities {
			was := *q
			*q *= rapid.Float64Range(1, 2).Draw(t, name)
			after, err := d.Bill(table, m)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range []cost.Scope{cost.Compute, cost.Shared, cost.Whole} {
				// Tiers make a price lower for all parts when one part uses more: only the whole
				// bill can't decrease.
				if s == cost.Whole && after.USD(s) < before.USD(s)*(1-1e-12) {
					t.Errorf("more of %s changes %v $ to %v $", name, after.USD(s), before.USD(s))
				}
			}
			sameUSD(t, after.USD(cost.Compute)+after.USD(cost.Shared), after.USD(cost.Whole))
			sameUSD(t, after.Fixed(cost.Whole)+after.ByUse(cost.Whole), after.USD(cost.Whole))
			*q = was
		}
	})
}

func sameUSD(t *rapid.T, got, want float64) {
	if math.Abs(got-want) > 1e-9*want {
		t.Errorf("the parts of a bill are %v $, the whole %v $", got, want)
	}
}

// The fixed part of a bill is the bill without pictures.
func TestFixedIsWithoutPictures(t *testing.T) {
	for _, always := range []bool{false, true} {
		d, m := all()
		d.Instances.Always = always
		with, err := d.Bill(table(t), m)
		if err != nil {
			t.Fatal(err)
		}
		m.Pictures, m.Active = 0, 0
		if !always {
			d.Instances.Hours = 0
		}
		without, err := d.Bill(table(t), m)
		if err != nil {
			t.Fatal(err)
		}
		within(t, "without pictures", without.USD(cost.Whole), with.Fixed(cost.Whole), 1e-12)
		within(t, "all of it is fixed", without.Fixed(cost.Whole), without.USD(cost.Whole), 1e-12)
	}
}

// A bill has the weakest basis of its quantities, and rows keep their own basis.
func TestBasis(t *testing.T) {
	function := cost.Function{Architecture: "x86_64", Memory: 3007, Warm: 1, Basis: cost.Simulated}
	m := cost.Month{Pictures: 1, Picture: cost.Picture{LogBytes: 1000}} // measured
	d := cost.Deployment{Function: &function}
	for _, want := range []cost.Basis{cost.Simulated, cost.Assumed} {
		bill, err := d.Bill(table(t), m)
		if err != nil || bill.Basis() != want {
			t.Errorf("a bill with %s quantities is %s, %v", want, bill.Basis(), err)
		}
		for _, r := range bill.Rows {
			if logs := strings.HasPrefix(r.Part, "logs"); logs != (r.Basis == cost.Measured) {
				t.Errorf("%s is %s", r.Part, r.Basis)
			}
		}
		function.IdlePolls = cost.IdlePolls(5) // AWS documents their number, not their length
	}
}

// The free tier is subtracted only on request, once for all parts together.
func TestFreeTier(t *testing.T) {
	d := cost.Deployment{
		Function:  &cost.Function{Architecture: "x86_64", Memory: 1024, Warm: 0.2},
		APIMemory: 1024,
	}
	m := cost.Month{Pictures: 1e6, Picture: cost.Picture{APIRequests: 1, APISeconds: 0.3}, FreeTier: true}
	bill, err := d.Bill(table(t), m)
	if err != nil {
		t.Fatal(err)
	}
	within(t, "2 million requests, one free, and 500,000 GB-seconds, 400,000 free", bill.USD(cost.Whole), 1e6*0.20e-6+100_000*0.0000166667, 1e-9)
	m.Pictures = 1000
	if bill, err = d.Bill(table(t), m); err != nil || bill.USD(cost.Whole) != 0 {
		t.Errorf("within the free tier: %v $, %v", bill.USD(cost.Whole), err)
	}
}

// What can't be priced is an error of one line.
func TestInvalidBillsAreRefused(t *testing.T) {
	frankfurt, err := prices.ForRegion("eu-central-1")
	if err != nil {
		t.Fatal(err)
	}
	d, m := all()
	_, err = d.Bill(frankfurt, m)
	want := `bill of functions: file system: infrequent storage: unknown price: eu-central-1 has no "efs.infrequent" as of 2026-11-29: add it, with its source, to a file of prices`
	if !errors.Is(err, prices.ErrUnknown) || err.Error() != want {
		t.Errorf("a missing price: %v\nwant %s", err, want)
	}
	m.Infrequent = 0
	if _, err = d.Bill(frankfurt, m); err != nil {
		t.Errorf("an unused missing price is an error: %v", err)
	}
	for name, spoil := range map[string]func(*cost.Deployment, *cost.Month){
		"pictures":   func(_ *cost.Deployment, m *cost.Month) { m.Pictures = -1 },
		"no number":  func(_ *cost.Deployment, m *cost.Month) { m.Pictures = math.NaN() },
		"infinite":   func(_ *cost.Deployment, m *cost.Month) { m.Kept = math.Inf(1) },
		"cold share": func(d *cost.Deployment, _ *cost.Month) { d.Function.ColdShare = 1.1 },
		"infrequent": func(_ *cost.Deployment, m *cost.Month) { m.Infrequent = 2 },
		"hours":      func(_ *cost.Deployment, m *cost.Month) { m.Active = 800 },
		"processor":  func(d *cost.Deployment, _ *cost.Month) { d.Function.Architecture = "mips" },
		"instance":   func(d *cost.Deployment, _ *cost.Month) { d.Instances.Type = "z80.nano" },
	} {
		d, m := all()
		spoil(&d, &m)
		if _, err := d.Bill(table(t), m); err == nil || strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "bill of functions: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
