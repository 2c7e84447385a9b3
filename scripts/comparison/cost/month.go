// Package cost computes a month's bill from what the month uses and AWS's prices, and from bills
// the figures of the comparison: duty, saving, and where one deployment becomes cheaper than
// another. Its functions are pure: quantities come from measurements or the simulation, prices from
// package prices.
//
// A month is 730 hours. Amounts are US dollars before tax, GB are 2^30 bytes.
package cost

import "math"

// The length of a month, as in AWS's own calculator.
const (
	Hours   = 730.0
	Minutes = Hours * 60
	Seconds = Minutes * 60
)

const (
	kib = 1 << 10
	gib = 1 << 30
)

// A Basis is the evidence for a quantity. The weakest of several is the one with the largest value.
type Basis int

// The bases, strongest first.
const (
	Measured Basis = iota
	Simulated
	Assumed
)

func (b Basis) String() string { return [...]string{"measured", "simulated", "assumed"}[b] }

// Calls are NFS requests to a file system: their numbers and the mean size of their data.
type Calls struct {
	Reads, ReadBytes   float64
	Writes, WriteBytes float64
	Metadata           float64 // all others
}

// Metered returns the GB for which elastic throughput bills the calls. Reads and writes are metered
// by the KiB with a minimum of 32 KiB, metadata with a minimum of 4 KiB
// (docs.aws.amazon.com/efs/latest/ug, "Understanding billing and usage reports"). AWS doesn't
// document the price of metadata; in a public bill of September 2026, nearly all metadata, it was
// that of reads.
func (c Calls) Metered() (read, written float64) {
	read = c.Reads*atLeast(c.ReadBytes, 32*kib) + c.Metadata*4*kib
	return read / gib, c.Writes * atLeast(c.WriteBytes, 32*kib) / gib
}

func atLeast(bytes, least float64) float64 { return max(least, math.Ceil(bytes/kib)*kib) }

// A Picture is the use of services other than compute by one job, with any kind of compute.
type Picture struct {
	Basis Basis

	APIRequests float64 // submission, requests for the status, result
	APISeconds  float64 // billed seconds of the API's function for each of them
	Messages    float64 // requests to the queue about its message: send, receive, delete, extensions; each up to 64 KiB

	Submission Calls   // to the shared directory, by the API, including status requests and the result
	Painting   Calls   // to the shared directory, by the worker
	Stored     float64 // bytes kept in the shared directory

	Copied  float64 // bytes copied to the bucket
	Objects float64 // number of objects in the bucket
	Puts    float64 // further PUTs to the bucket, such as uploads
	Gets    float64

	Downloaded float64 // bytes to clients outside AWS, from API or bucket
	Views      float64 // files that the gallery's viewers download
	Viewed     float64 // bytes per view

	LogBytes       float64 // written by the programs
	CallLogBytes   float64 // written by Lambda for each call of a function
	AccessLogBytes float64 // written by a gateway for each request
}

// A Month is the load of a deployment in a month.
type Month struct {
	Pictures float64
	Picture  Picture

	Kept       float64 // months for which pictures are stored; the bill is that of the steady state
	Infrequent float64 // share of stored data that has moved to infrequent access
	Active     float64 // hours of the month in which there are jobs: metrics are billed by the hour
	FreeTier   bool    // subtract AWS's free allowances; off in all headlines
}
