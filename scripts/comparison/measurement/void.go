package measurement

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Limits beyond which a run is void.
const (
	MaxLag    = 0.005 // seconds, 99th percentile of the load generator's delays
	MaxSteal  = 0.02  // share of the processors' time
	MaxShare  = 0.5   // share of the processors' time used under load
	MaxStayed = 0.05  // share of the bytes to be removed from the page cache
)

// voidReason returns why a run is void; "" if it is not. The first failed job's reason is included,
// unless the picture does not fit into the function's memory, which is a valid result.
func voidReason(v Variant, jobs []Job, f Footer) string {
	var reasons []string
	if f.LagP99 > MaxLag {
		reasons = append(reasons, fmt.Sprintf("the load generator was late: 99%% of the jobs were sent at most %.1f ms late, %g ms are allowed", 1000*f.LagP99, 1000*MaxLag))
	}
	if f.Steal > MaxSteal {
		reasons = append(reasons, fmt.Sprintf("other virtual machines took %.1f%% of the processor time (steal), %g%% are allowed", 100*f.Steal, 100*MaxSteal))
	}
	if v.Pattern != "" && f.Share > MaxShare {
		reasons = append(reasons, fmt.Sprintf("%.0f%% of the processors were in use, %g%% are allowed", 100*f.Share, 100*MaxShare))
	}
	if float64(f.Stayed) > MaxStayed*float64(f.Files) {
		reasons = append(reasons, fmt.Sprintf("%.0f%% of the program, library and model stayed in the page cache, %g%% are allowed: another process has them mapped", 100*float64(f.Stayed)/float64(f.Files), 100*MaxStayed))
	}
	failed, first := 0, ""
	for _, j := range jobs {
		if j.Failed != "" && j.Failed != tooLarge {
			if failed++; failed == 1 {
				first = j.Failed
			}
		}
	}
	if failed > 0 {
		reasons = append(reasons, fmt.Sprintf("%d of %d jobs failed, the first because: %s", failed, len(jobs), first))
	}
	return strings.Join(reasons, "; ")
}

// tooLarge is the code of a job whose picture does not fit into a worker's memory.
const tooLarge = "too_large"

// lagP99 returns the 99th percentile of the delays with which jobs were sent, in seconds; 0 without
// jobs.
func lagP99(jobs []Job) float64 {
	if len(jobs) == 0 {
		return 0
	}
	lags := make([]float64, len(jobs))
	for i, j := range jobs {
		lags[i] = j.Lag
	}
	slices.Sort(lags)
	return lags[int(math.Ceil(0.99*float64(len(lags))))-1]
}
