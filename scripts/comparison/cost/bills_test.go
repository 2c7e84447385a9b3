package cost_test

import (
	"math"
	"testing"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
)

// Three months in us-east-1 of pictures of 512 px, calculated by hand: every figure below is
// computed here from prices and quantities, without calling the model. The quantities are round
// numbers and represent no measurement.
//
// A picture: 8 requests to the API of 0.02 s at 512 MB; 3 to the queue; the API's 20 calls of
// metadata, 1 write of 100 KiB and 2 reads of 2 KiB; the worker's 26 calls of metadata, 2 writes of
// 80 KiB and 2 reads of 100 KiB; 300 KiB stored in the directory for 1 month, a result of 100 KiB
// and a thumbnail of 20 KiB copied, 1 more PUT and 1 GET, 120 KiB downloaded, 3 views of 20 KiB, 1
// KiB of logs.
var byHand = cost.Picture{
	APIRequests: 8, APISeconds: 0.02, Messages: 3,
	Submission: cost.Calls{Metadata: 20, Writes: 1, WriteBytes: 100 << 10, Reads: 2, ReadBytes: 2 << 10},
	Painting:   cost.Calls{Metadata: 26, Writes: 2, WriteBytes: 80 << 10, Reads: 2, ReadBytes: 100 << 10},
	Stored:     300 << 10, Copied: 120 << 10, Objects: 2, Puts: 1, Gets: 1,
	Downloaded: 120 << 10, Views: 3, Viewed: 20 << 10, LogBytes: 1 << 10,
}

var sweepsByHand = cost.Sweeps{Memory: 512, Billed: 0.2, Calls: cost.Calls{Metadata: 20}, LogBytes: 300}

const (
	gb   = 1 << 30
	days = 730.0 / 24
)

// services returns the cost of n pictures apart from compute: gateway, API's function, queue, file
// system, copies, bucket, gallery, logs, and egress from the API.
func services(n float64) float64 {
	return n * (8*1.00e-6 + // HTTP API
		8*0.20e-6 + 8*0.02*0.5*0.0000166667 + // its function
		3*0.40e-6 + 3*0.10e-6 + // queue, fair
		300*1024.0/gb*0.30 + // storage on EFS
		(46*4+2*32+2*100)*1024.0/gb*0.03 + // reads: 46 of metadata at 4 KiB, two of 2 KiB at 32 KiB, two of 100 KiB
		(100+2*80)*1024.0/gb*0.06 + // writes
		120*1024.0/gb*0.0125 + 2*60*1024.0/gb*0.03 + // DataSync, and what it reads
		120*1024.0/gb*0.023 + 3*5e-6 + 1*0.4e-6 + // bucket
		120*1024.0/gb*0.09 + // egress
		3*20*1024.0/gb*0.085 + 3*1e-6 + 3*0.1e-6 + // gallery
		1024.0/gb*(0.50+0.03)) // logs
}

// atRest returns the cost of the deployment without pictures: the clock, sweeps of 0.2 s at 512 MB
// with their 20 calls and 300 bytes of log, 7 metrics, alarms and a dashboard.
func atRest(alarms float64) float64 {
	const sweeps = 43_800
	return sweeps*1e-6 + sweeps*0.2e-6 + sweeps*0.2*0.5*0.0000166667 +
		sweeps*20*4*1024.0/gb*0.03 + sweeps*300.0/gb*(0.50+0.03) +
		7*0.30 + alarms*0.10 + 3.00
}

// idlePolls is the cost of the mapping's empty receives: 5 pollers, 3 times a minute, 43,800
// minutes.
const idlePolls = 657_000 * 0.40e-6

func TestBillsByHand(t *testing.T) {
	const memory = 3007.0 / 1024
	for _, load := range []struct {
		name              string
		pictures          float64
		active            float64 // hours with jobs
		coldShare         float64
		fromZero, alwaysN float64 // hours of instances that start with the work; instances that always run
	}{
		{"500 a day", 500 * days, 240, 0.2, 250, 1},
		{"1 a second", 2_628_000, 730, 0.001, 730, 1},
		{"100,000 each night", 100_000 * days, 4 * days, 0.0005, 5 * days, 1},
	} {
		n := load.pictures
		month := cost.Month{Pictures: n, Picture: byHand, Kept: 1, Active: load.active}
		jobs := load.active / 730 // of a metric's price
		for _, c := range []struct {
			name       string
			deployment cost.Deployment
			want       float64
			compute    float64
		}{
			{
				"function, ONNX Runtime in the zip",
				cost.ServerlessMode(cost.Function{Architecture: "x86_64", Memory: 3007, Warm: 0.25, ColdShare: load.coldShare, Init: 0.5, IdlePolls: cost.IdlePolls(5)}, sweepsByHand),
				services(n) + atRest(6) + 9*0.30*jobs,
				n*(0.20e-6+memory*(0.25+load.coldShare*0.5)*0.0000166667) + idlePolls,
			},
			{
				// 3,000 reads of 90 KiB, 500 calls of metadata.
				"function, TensorFlow on EFS",
				cost.ServerlessMode(cost.Function{
					Architecture: "x86_64", Memory: 3007, Warm: 0.28, ColdShare: load.coldShare, Init: 4, IdlePolls: cost.IdlePolls(5),
					ColdCalls: cost.Calls{Reads: 3000, ReadBytes: 90 << 10, Metadata: 500},
				}, sweepsByHand),
				services(n) + atRest(6) + 9*0.30*jobs,
				n*(0.20e-6+memory*(0.28+load.coldShare*4)*0.0000166667) + idlePolls +
					n*load.coldShare*(3000*90+500*4)*1024.0/gb*0.03,
			},
			{
				"always-on instance",
				cost.EC2Mode(cost.Instances{Type: "c7i.large", Hours: 730 * load.alwaysN, Always: true, Disk: 12, PollsPerHour: 180}, sweepsByHand),
				services(n) + atRest(18) + 3*0.30*jobs,
				load.alwaysN * (730*0.08925 + 12*0.08 + 730*180*0.40e-6),
			},
			{
				"instances from zero",
				cost.EC2Mode(cost.Instances{Type: "c7i.large", Hours: load.fromZero, Disk: 12, PollsPerHour: 180}, sweepsByHand),
				services(n) + atRest(18) + 3*0.30*jobs,
				load.fromZero * (0.08925 + 12*0.08/730 + 180*0.40e-6),
			},
		} {
			t.Run(load.name+"/"+c.name, func(t *testing.T) {
				bill, err := c.deployment.Bill(table(t), month)
				if err != nil {
					t.Fatal(err)
				}
				within(t, "compute", bill.USD(cost.Compute), c.compute, 1e-6)
				within(t, "other services", bill.USD(cost.Shared), c.want, 1e-6)
				within(t, "the whole bill", bill.USD(cost.Whole), c.want+c.compute, 1e-6)
				t.Logf("%.2f $, of which %.2f $ are compute and %.2f $ are fixed", bill.USD(cost.Whole), bill.USD(cost.Compute), bill.Fixed(cost.Whole))
			})
		}
	}
}

// The original setting of the claim: a function of 3007 MB behind a REST API that handles 10,000
// requests in 0.5 s each, one of ten after a cold start of 6 s with 267 MiB in 3,000 reads; and a
// t3.medium with a public address and 30 GB of disk.
func TestOriginalSettingByHand(t *testing.T) {
	month := cost.Month{Pictures: 10_000, Picture: cost.Picture{APIRequests: 1, Downloaded: 100 << 10}}
	function := cost.OriginalFunction(cost.Function{
		Architecture: "x86_64", Warm: 0.5, ColdShare: 0.1, Init: 6,
		ColdCalls: cost.Calls{Reads: 3000, ReadBytes: 267 * (1 << 20) / 3000},
	})
	bill, err := function.Bill(table(t), month)
	if err != nil {
		t.Fatal(err)
	}
	within(t, "the function", bill.USD(cost.Whole), 10_000*(3.50e-6+0.20e-6+3007.0/1024*(0.5+0.1*6)*0.0000166667+
		0.1*267/1024.0*0.03+100*1024.0/gb*0.09), 0.01)
	bill, err = cost.OriginalInstance(cost.Instances{Type: "t3.medium", Hours: 730, Disk: 30}).Bill(table(t), month)
	if err != nil {
		t.Fatal(err)
	}
	within(t, "the instance", bill.USD(cost.Whole), 730*0.0416+30*0.08+730*0.005+10_000*100*1024.0/gb*0.09, 1e-6)
}

// The cheapest alternative on EC2 with a million pictures: a c7i.large all month with 12 GB of
// disk, space for two months' pictures, 572 GB, and a public address; no gateway, no file system,
// no copies. Two of them share the pictures.
func TestOneMachineByHand(t *testing.T) {
	for _, machines := range []float64{1, 2} {
		m := cost.Month{Pictures: 1e6, Picture: byHand, Kept: 2}
		d := cost.OneMachine(cost.Instances{Type: "c7i.large", Hours: machines * 730, Always: true, Disk: 12, PollsPerHour: 180}, m)
		bill, err := d.Bill(table(t), m)
		if err != nil {
			t.Fatal(err)
		}
		machine := machines*(730*0.08925+12*0.08+730*0.005+730*180*0.40e-6) + 2e6*300*1024.0/gb*0.08
		within(t, "compute", bill.USD(cost.Compute), machine, 1e-6)
		within(t, "the whole bill", bill.USD(cost.Whole), machine+1e6*(3*0.50e-6+120*1024.0/gb*0.09+1024.0/gb*(0.50+0.03)), 1e-6)
	}
}

// For each of a picture's eight calls of the API and one call of the painting function Lambda logs
// 300 bytes, and the gateway logs 200 bytes for each request. One machine has neither; always-on
// instances have only those of the API.
func TestLogsByHand(t *testing.T) {
	p := cost.Picture{APIRequests: 8, LogBytes: 1000, CallLogBytes: 300, AccessLogBytes: 200}
	m := cost.Month{Pictures: 1e6, Picture: p}
	i := cost.Instances{Type: "c7i.large", Hours: 730, Always: true}
	for name, c := range map[string]struct {
		d    cost.Deployment
		want float64
	}{
		"functions":   {cost.ServerlessMode(cost.Function{Architecture: "x86_64", Memory: 1769}, cost.Sweeps{}), 1000 + 8*200 + 9*300},
		"always-on":   {cost.EC2Mode(i, cost.Sweeps{}), 1000 + 8*200 + 8*300},
		"one machine": {cost.OneMachine(i, m), 1000},
	} {
		bill, err := c.d.Bill(table(t), m)
		if err != nil {
			t.Fatal(err)
		}
		var logs float64
		for _, r := range bill.Rows {
			if r.Part == "logs: ingestion" || r.Part == "logs: storage" {
				logs += r.USD
			}
		}
		within(t, name, logs, 1e6*c.want/gb*(0.50+0.03), 1e-6)
	}
}

// Three Managed Instances all month: EC2's price, 15% of it, and requests.
func TestManagedByHand(t *testing.T) {
	d := cost.ManagedMode(cost.Managed{Type: "c7i.large", Hours: 3 * 730, IdlePolls: cost.IdlePolls(5)}, sweepsByHand)
	bill, err := d.Bill(table(t), cost.Month{Pictures: 1e6})
	if err != nil {
		t.Fatal(err)
	}
	within(t, "compute", bill.USD(cost.Compute), 3*730*0.08925*1.15+0.20+idlePolls, 1e-6)
}

func table(t *testing.T) *prices.Table {
	t.Helper()
	prices, err := prices.ForRegion("us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	return prices
}

// within fails the test if got differs from want by more than a share of want.
func within(t *testing.T, what string, got, want, share float64) {
	t.Helper()
	if !(math.Abs(got-want) <= share*math.Abs(want)) {
		t.Errorf("%s: %.6f $, want %.6f $", what, got, want)
	}
}
