// Package job has what both sides of the queue must agree on: what a job is, its id, its states and
// limits, the message that names it, and the errors that end it. It imports only the standard
// library and uuid, and does no I/O.
package job

import "time"

// CustomStyle is the style of a job with the user's own style picture. No style of the catalogue
// has this name.
const CustomStyle = "custom"

// A Job is a job as users see it: the JSON of the API, the same everywhere.
type Job struct {
	ID             ID         `json:"id" doc:"UUIDv7 in canonical form"`
	State          State      `json:"state" enum:"queued,running,succeeded,failed,canceled,expired"`
	Run            int        `json:"run" doc:"1, and one more with each retry"`
	Style          string     `json:"style" doc:"A style's name, a blend such as a:0.7,b:0.3, or custom for a style picture of your own"`
	Strength       float64    `json:"strength"`
	Size           int        `json:"size" doc:"Longest edge of the result in pixels at most; 0 means as submitted"`
	Format         string     `json:"format"`
	Quality        int        `json:"quality"`
	PreserveColors bool       `json:"preserve_colors"`
	Public         bool       `json:"public"`
	CreatedAt      time.Time  `json:"created_at"`
	StartedAt      *time.Time `json:"started_at" doc:"When the latest attempt began"`
	FinishedAt     *time.Time `json:"finished_at"`
	Attempts       int        `json:"attempts" doc:"Attempts at this run that count; one that was given back does not, nor one whose worker died with other jobs in work"`
	QueuePosition  *int       `json:"queue_position" doc:"Jobs before this one, where that is cheap to know"`
	Error          *Failure   `json:"error"`
	Result         *Result    `json:"result"`
	Receipt        *Receipt   `json:"receipt"`

	Owner string `json:"-"` // who submitted it; "" without API keys
}

// A Result describes the painted picture of a succeeded job.
type Result struct {
	URL          string `json:"url,omitempty" doc:"Relative to the API's base address"`
	ThumbnailURL string `json:"thumbnail_url,omitempty" doc:"Of a public job: a JPEG of at most 400 pixels on the longest edge. Relative as url is"`
	Width        int    `json:"width"`
	Height       int    `json:"height"`
	Bytes        int64  `json:"bytes"`
	ContentType  string `json:"content_type"`
	SHA256       string `json:"sha256"`
}

// A Receipt says what a run took and where it ran. Times are wall-clock times in milliseconds.
// BilledMS, MemoryMB and CostUSD estimate what AWS bills for the picture if a function painted it:
// the time from the delivery of the message until the result is stored, with the initialisation of
// a cold start. They are null if unknown, for example for a daemon, whose instance is paid by the
// hour.
type Receipt struct {
	Worker      string   `json:"worker" enum:"lambda,daemon"`
	Engine      string   `json:"engine" doc:"The library that ran the network, with its version"`
	Model       string   `json:"model"`
	ColdStart   bool     `json:"cold_start" doc:"The first picture of its process"`
	QueueWaitMS float64  `json:"queue_wait_ms" doc:"From the submission to the start of this attempt"`
	DecodeMS    float64  `json:"decode_ms"`
	StylizeMS   float64  `json:"stylize_ms"`
	EncodeMS    float64  `json:"encode_ms"`
	BilledMS    *float64 `json:"billed_ms" doc:"Of a function: an estimate of the time that AWS bills"`
	MemoryMB    *float64 `json:"memory_mb" doc:"Of a function: the memory that AWS bills"`
	CostUSD     *float64 `json:"cost_usd" doc:"Of a function: an estimate of what AWS bills for the picture's time and memory, at the list price of its region"`
}
