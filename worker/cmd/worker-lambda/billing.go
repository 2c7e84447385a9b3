package main

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/prices"
)

// architecture is the processor architecture that the deployment's template gives to functions.
const architecture = "x86_64"

// A billing estimates what AWS bills for each picture. The estimate is for batches of one message.
type billing struct {
	memory float64       // MB of the function; 0 is unknown
	table  *prices.Table // nil without prices for the region
	init   time.Duration // from the process's start until it was ready for events
}

// newBilling reads the function's memory and region from Lambda's environment variables.
func newBilling(getenv func(string) string, log *slog.Logger) *billing {
	memory, err := strconv.ParseFloat(getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"), 64)
	if err != nil || memory <= 0 {
		return &billing{}
	}
	table, err := prices.ForRegion(getenv("AWS_REGION"))
	if err != nil {
		log.Warn("the prices of this region are unknown, so receipts have no costs", "error", err)
	}
	return &billing{memory: memory, table: table}
}

// started marks the end of the initialisation, which AWS bills together with the first event.
func (b *billing) started() {
	if age, err := processAge(); err == nil {
		b.init = age
	}
}

// setCost is for [worker.Config.SetCost]. Its prices are those of the first tier, without the free
// tier.
func (b *billing) setCost(r *job.Receipt, took time.Duration) {
	if b.memory == 0 {
		return
	}
	if r.ColdStart {
		took += b.init
	}
	billed := prices.Billed(took)
	ms, memory := float64(billed.Milliseconds()), b.memory
	r.BilledMS, r.MemoryMB = &ms, &memory
	if b.table == nil {
		return
	}
	if usd, err := b.table.Invocation(architecture, b.memory, billed); err == nil {
		r.CostUSD = &usd
	}
}

// processAge returns the time since this process was started. That includes the loading of its
// libraries, and the time before worker-bootstrap replaced itself with the worker. The resolution
// is 10 ms.
func processAge() (time.Duration, error) {
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0, err
	}
	uptime, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0, err
	}
	// The second field is a name in parentheses, which may contain spaces; the 22nd is the
	// time of the start, in hundredths of a second since boot.
	fields, up := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])), strings.Fields(string(uptime))
	if len(fields) < 20 || len(up) == 0 {
		return 0, errors.New("/proc/self/stat or /proc/uptime is not in the expected format")
	}
	ticks, err := strconv.ParseFloat(fields[19], 64)
	if err != nil {
		return 0, err
	}
	now, err := strconv.ParseFloat(up[0], 64)
	if err != nil {
		return 0, err
	}
	return max(0, time.Duration((now-ticks/100)*float64(time.Second))), nil
}
