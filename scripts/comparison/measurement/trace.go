package measurement

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-go/atelier/scripts/comparison/arrivals"
)

// A Trace is recorded arrivals. Its JSON has the hash and the statistics of its file, but no rows,
// which may not be ours to publish.
type Trace struct {
	SHA256     string          `json:"sha256"` // of the file
	Statistics TraceStatistics `json:"statistics"`

	times  []float64
	period float64
}

// TraceStatistics are the values of [arrivals.Description] rounded to two digits; those for which
// the trace is too short are left out.
type TraceStatistics struct {
	PerHour           float64 `json:"per_hour"`
	Dispersion60      float64 `json:"dispersion_60,omitempty"`
	Dispersion600     float64 `json:"dispersion_600,omitempty"`
	Dispersion3600    float64 `json:"dispersion_3600,omitempty"`
	PeakHour          float64 `json:"peak_hour,omitempty"`
	EmptyHours        float64 `json:"empty_hours,omitempty"`
	Autocorrelation1  float64 `json:"autocorrelation_1,omitempty"`
	Autocorrelation24 float64 `json:"autocorrelation_24,omitempty"`
	GapsOver300       float64 `json:"gaps_over_300,omitempty"`
}

// ReadTrace reads a CSV file like [arrivals.Read]. A trace without a rate is an error.
func ReadTrace(name string) (*Trace, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read a trace: %w", err)
	}
	defer f.Close()
	t, sum := new(Trace), sha256.New()
	if t.times, err = arrivals.Read(io.TeeReader(f, sum)); err == nil {
		t.period, err = arrivals.Period(t.times)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	t.SHA256 = hex.EncodeToString(sum.Sum(nil))
	d := arrivals.Describe(t.times, t.period)
	t.Statistics = TraceStatistics{
		PerHour: rounded(d.PerHour), Dispersion60: rounded(d.Dispersion60), Dispersion600: rounded(d.Dispersion600), Dispersion3600: rounded(d.Dispersion3600),
		PeakHour: rounded(d.PeakHour), EmptyHours: rounded(d.EmptyHours), Autocorrelation1: rounded(d.Autocorrelation1), Autocorrelation24: rounded(d.Autocorrelation24),
		GapsOver300: rounded(d.GapsOver300),
	}
	return t, nil
}

// arrivals returns the times at which the jobs of a variant are sent: an excerpt of the trace for a
// recorded variant, and the result of [Variant.arrivals] for others. t may be nil.
func (t *Trace) arrivals(v Variant, chance *rand.Rand) ([]float64, error) {
	if v.Pattern != Recorded || t == nil || t.SHA256 != v.Trace {
		return v.arrivals(chance)
	}
	times, err := arrivals.Excerpt(chance, t.times, t.period, v.Rate, v.Jobs)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", v.Name(), err)
	}
	return times, nil
}

// rounded rounds v to two digits; it returns 0 for NaN and infinity.
func rounded(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	r, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'e', 1, 64), 64) // a number that was just formatted
	return r
}

// withoutArrivals removes from a run everything from which the arrivals could be computed: when and
// in which order jobs were sent, ids and messages, which may contain a time, and the duration of
// the load to more than two digits.
func (r *Run) withoutArrivals() {
	for i := range r.Jobs {
		j := &r.Jobs[i]
		j.ID, j.Scheduled = "", 0
		j.Failed, _, _ = strings.Cut(j.Failed, ": ")
	}
	// Not the run's own random source, whose seed is in the header.
	rand.Shuffle(len(r.Jobs), func(i, k int) { r.Jobs[i], r.Jobs[k] = r.Jobs[k], r.Jobs[i] })
	f := &r.Footer
	f.Seconds, f.Share = rounded(f.Seconds), rounded(f.Share)
	f.Ended = f.Ended.Truncate(time.Hour).Add(time.Hour)
}
