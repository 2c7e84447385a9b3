package measurement

import (
	"time"

	"github.com/atelier-go/atelier/scripts/measure/machine"
)

// A Run is one run of a variant.
type Run struct {
	Header Header
	Jobs   []Job // in the order in which they were sent; of [Recorded] in any order
	Footer Footer
}

// A Header is under which circumstances a run was made.
type Header struct {
	Format       int                 `json:"format"` // [Format]
	Variant      Variant             `json:"variant"`
	Hypothetical bool                `json:"hypothetical,omitempty"`
	Repetition   int                 `json:"repetition"` // from 1
	Position     int                 `json:"position"`   // among the variants of this repetition, from 1
	Seed         uint64              `json:"seed"`       // of the whole measurement: of orders and arrivals
	Command      string              `json:"command"`
	Machine      machine.Description `json:"machine"`
	Began        time.Time           `json:"began"`
	Trace        *Trace              `json:"trace,omitempty"`       // of [Recorded]
	Predictions  string              `json:"predictions,omitempty"` // SHA-256 of the folder's predictions when it was made, hexadecimal; "" without any
}

// Format is the version of the files.
const Format = 1

// A Job is what was measured of one picture. Times are in seconds; what a system does not
// tell is left out.
type Job struct {
	ID        string  `json:"id,omitempty"`        // left out of [Recorded]
	Scheduled float64 `json:"scheduled,omitempty"` // when it was to be sent, since the load began; left out of [Recorded]
	Lag       float64 `json:"lag,omitempty"`       // how much later it was sent
	Latency   float64 `json:"latency,omitempty"`   // from Scheduled to the stored picture; of [Flask], which stores none, to the received one
	Failed    string  `json:"failed,omitempty"`    // why there is no picture

	Cold      bool    `json:"cold,omitempty"`       // the first picture of its process
	Start     float64 `json:"start,omitempty"`      // from the start of the process until it takes events; of cold ones
	Billed    float64 `json:"billed,omitempty"`     // by Lambda's rule, start included
	Used      float64 `json:"used,omitempty"`       // processor time of the function meanwhile, to within 0.01
	Waited    float64 `json:"waited,omitempty"`     // for an environment
	NFSReads  int     `json:"nfs_reads,omitempty"`  // calls to the file server that read
	NFSBytes  int64   `json:"nfs_bytes,omitempty"`  // that they brought
	NFSWaited float64 `json:"nfs_waited,omitempty"` // for them, summed over calls that may overlap
	DiskBytes int64   `json:"disk_bytes,omitempty"` // that the function has fetched from a disk, of evicted variants
	Received  float64 `json:"received,omitempty"`   // from Scheduled until a worker began the attempt; of [Flask] the response's way back is in it
	Handler   float64 `json:"handler,omitempty"`    // from there to the stored picture; of [Flask] to the response

	// Stages of Handler, which has more than them.
	Read   float64 `json:"read,omitempty"`
	Decode float64 `json:"decode,omitempty"`
	Paint  float64 `json:"paint,omitempty"`
	Encode float64 `json:"encode,omitempty"`
	Write  float64 `json:"write,omitempty"`
}

// A Footer is how a run went.
type Footer struct {
	Ended      time.Time          `json:"ended"` // of [Recorded] up to an hour later
	Jobs       int                `json:"jobs"`
	Void       string             `json:"void,omitempty"`   // why the run counts for nothing
	Seconds    float64            `json:"seconds"`          // that the load took, until the last picture; of [Recorded] to two digits
	LagP99     float64            `json:"lag_p99"`          // seconds
	Steal      float64            `json:"steal"`            // part of the processors' time that was taken away
	Share      float64            `json:"share"`            // part of the processors' time that all programs of the machine used, those of the run at least
	Used       map[string]float64 `json:"used"`             // processor time by program, seconds
	Files      int64              `json:"files,omitempty"`  // bytes that were to be taken out of the page cache
	Stayed     int64              `json:"stayed,omitempty"` // bytes of them that stayed
	LoadBefore string             `json:"load_before"`      // averages of the system
	LoadAfter  string             `json:"load_after"`
}

// ColdJobs is the number of jobs that were the first of their process.
func (r *Run) ColdJobs() (n int) {
	for _, j := range r.Jobs {
		if j.Cold {
			n++
		}
	}
	return n
}
