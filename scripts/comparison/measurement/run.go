package measurement

import (
	"time"

	"github.com/atelier-go/atelier/scripts/measure/machine"
)

// A Run is one run of a variant.
type Run struct {
	Header Header
	Jobs   []Job // in the order in which they were sent; in any order for [Recorded]
	Footer Footer

	// SHA256 is that of the run's file in hexadecimal digits, as measured. Only [Load] sets it.
	SHA256 string
}

// A Header has the circumstances of a run.
type Header struct {
	Format       int                 `json:"format"` // [Format]
	Variant      Variant             `json:"variant"`
	Hypothetical bool                `json:"hypothetical,omitempty"`
	Repetition   int                 `json:"repetition"` // from 1
	Position     int                 `json:"position"`   // among the variants of this repetition, from 1
	Seed         uint64              `json:"seed"`       // of the whole measurement, for orders and arrivals
	Command      string              `json:"command"`
	Machine      machine.Description `json:"machine"`
	Began        time.Time           `json:"began"`
	Trace        *Trace              `json:"trace,omitempty"`       // only for [Recorded]
	Predictions  string              `json:"predictions,omitempty"` // SHA-256 of the folder's predictions when it was made, hexadecimal; "" without any
}

// Format is the version of the files.
const Format = 1

// A Job has the measurements of one picture. Times are in seconds; values that a system does not
// report are left out.
type Job struct {
	ID        string  `json:"id,omitempty"`        // left out for [Recorded]
	Scheduled float64 `json:"scheduled,omitempty"` // scheduled time of sending, since the load began; left out for [Recorded]
	Lag       float64 `json:"lag,omitempty"`       // delay of sending after Scheduled
	Latency   float64 `json:"latency,omitempty"`   // from Scheduled to the stored picture; for [Flask], which stores none, to the response
	Failed    string  `json:"failed,omitempty"`    // why there is no picture

	Cold      bool    `json:"cold,omitempty"`       // the first picture of its process
	Start     float64 `json:"start,omitempty"`      // from the start of the process until it requests events; only of cold jobs
	Billed    float64 `json:"billed,omitempty"`     // by Lambda's rule, including Start
	Used      float64 `json:"used,omitempty"`       // processor time of the function, to within 0.01
	Waited    float64 `json:"waited,omitempty"`     // for an environment
	NFSReads  int     `json:"nfs_reads,omitempty"`  // calls to the file server that read
	NFSBytes  int64   `json:"nfs_bytes,omitempty"`  // read by these calls
	NFSWaited float64 `json:"nfs_waited,omitempty"` // for these calls, summed over calls that may overlap
	DiskBytes int64   `json:"disk_bytes,omitempty"` // read by the function from a disk; only of evicted variants
	Received  float64 `json:"received,omitempty"`   // from Scheduled until a worker began the attempt; for [Flask] it includes the transfer of the response
	Handler   float64 `json:"handler,omitempty"`    // from the beginning of the attempt to the stored picture; for [Flask] to the response

	// Stages of Handler, whose sum is less than Handler.
	Read   float64 `json:"read,omitempty"`
	Decode float64 `json:"decode,omitempty"`
	Paint  float64 `json:"paint,omitempty"`
	Encode float64 `json:"encode,omitempty"`
	Write  float64 `json:"write,omitempty"`
}

// A Footer has the totals of a run.
type Footer struct {
	Ended      time.Time          `json:"ended"` // for [Recorded] up to an hour too late
	Jobs       int                `json:"jobs"`
	Void       string             `json:"void,omitempty"`   // why the run is not used; "" if it is
	Seconds    float64            `json:"seconds"`          // duration of the load until the last picture; for [Recorded] rounded to two digits
	LagP99     float64            `json:"lag_p99"`          // seconds
	Steal      float64            `json:"steal"`            // share of the processors' time taken by other virtual machines, 0 to 1
	Share      float64            `json:"share"`            // share of the processors' time used by all programs of the machine, at least by those of the run
	Used       map[string]float64 `json:"used"`             // processor time by program, seconds
	Files      int64              `json:"files,omitempty"`  // bytes to be removed from the page cache
	Stayed     int64              `json:"stayed,omitempty"` // bytes of these that stayed
	LoadBefore string             `json:"load_before"`      // load averages of the system
	LoadAfter  string             `json:"load_after"`
}

// ColdJobs returns the number of jobs that were the first of their process.
func (r *Run) ColdJobs() (n int) {
	for _, j := range r.Jobs {
		if j.Cold {
			n++
		}
	}
	return n
}
