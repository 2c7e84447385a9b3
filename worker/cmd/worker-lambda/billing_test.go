package main

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/lambdatest"
	"github.com/atelier-go/atelier/pkg/store"
)

// A receipt has what AWS bills for the invocation: at 3007 MB in Frankfurt, 0.0000166667 $ for each
// second and 1024 MB, and 0.0000002 $ for the request. The first picture's includes the cold start.
func TestReceiptHasTheCost(t *testing.T) {
	f, dir := billed(t, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=3007", "AWS_REGION=eu-central-1")
	began := time.Now()
	cold := paint(t, f, dir)
	took := float64(time.Since(began).Milliseconds())
	warm := paint(t, f, dir)
	for name, r := range map[string]*job.Receipt{"cold": cold, "warm": warm} {
		if r.BilledMS == nil || r.MemoryMB == nil || r.CostUSD == nil {
			t.Fatalf("the %s receipt: %+v\n%s", name, r, f.Log())
		}
		if *r.BilledMS != math.Trunc(*r.BilledMS) || *r.BilledMS < r.DecodeMS+r.StylizeMS+r.EncodeMS {
			t.Errorf("the %s picture took %v ms of decoding, painting and encoding, and %v ms are billed", name, r.DecodeMS+r.StylizeMS+r.EncodeMS, *r.BilledMS)
		}
		want := *r.BilledMS/1000*3007/1024*0.0000166667 + 0.0000002
		if *r.MemoryMB != 3007 || math.Abs(*r.CostUSD-want) > 1e-12 {
			t.Errorf("the %s picture costs %v $ at %v MB, want %v $ at 3007 MB", name, *r.CostUSD, *r.MemoryMB, want)
		}
	}
	if !cold.ColdStart || warm.ColdStart || *cold.BilledMS <= took-200 || *warm.BilledMS > took {
		t.Errorf("cold %v ms, warm %v ms; the first invocation took %v ms without the start", *cold.BilledMS, *warm.BilledMS, took)
	}
}

// Without prices for the region, a receipt has the billed time but no cost.
func TestReceiptWithoutAPrice(t *testing.T) {
	f, dir := billed(t, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=3007", "AWS_REGION=mars-north-1")
	if r := paint(t, f, dir); r.BilledMS == nil || r.MemoryMB == nil || r.CostUSD != nil {
		t.Errorf("the receipt: %+v", r)
	}
	if !strings.Contains(f.Log(), `there is no file for region \"mars-north-1\"`) {
		t.Errorf("the log has no reason:\n%s", f.Log())
	}
}

// If the memory is unknown, a receipt has neither billed time nor cost.
func TestReceiptWithoutMemory(t *testing.T) {
	f, dir := billed(t)
	if r := paint(t, f, dir); r.BilledMS != nil || r.MemoryMB != nil || r.CostUSD != nil {
		t.Errorf("the receipt: %+v", r)
	}
}

// billed starts a function with some settings, and returns its shared directory.
func billed(t *testing.T, settings ...string) (f *lambdatest.Function, dir string) {
	dir = t.TempDir()
	return start(t, lambdatest.NewAWS(t, nil), append(settings, "ATELIER_QUEUE=http://queue/1/atelier", "ATELIER_DIR="+dir)...), dir
}

// paint paints a job in one invocation, and returns its receipt.
func paint(t *testing.T, f *lambdatest.Function, dir string) *job.Receipt {
	t.Helper()
	id := create(t, dir, pixels(t))
	event := events.SQSEvent{Records: []events.SQSMessage{{
		EventSource: "aws:sqs", MessageId: "m-" + string(id), ReceiptHandle: "h", Body: job.Message{Job: id, Run: 1}.Encode(),
	}}}
	if response, err := f.Invoke(event); err != nil || string(response) != `{"batchItemFailures":[]}` {
		t.Fatalf("%s, %v\n%s", response, err, f.Log())
	}
	s, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	j, err := s.Job(id)
	if err != nil || j.Receipt == nil {
		t.Fatalf("the job: %+v, %v", j, err)
	}
	return j.Receipt
}
