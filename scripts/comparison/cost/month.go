// Package cost turns what a month uses into a bill by AWS's prices, and bills into
// the comparison's figures: duty, saving, and where one deployment becomes cheaper
// than another. Its functions are pure: quantities come from measurements or the
// simulation, prices from package prices.
//
// A month is 730 hours. Amounts are US dollars before tax, GB are 2^30 bytes.
package cost

import "math"

// A month's length, as AWS's own calculator takes it.
const (
	Hours   = 730.0
	Minutes = Hours * 60
	Seconds = Minutes * 60
)

const (
	kib = 1 << 10
	gib = 1 << 30
)

// A Basis is what a quantity rests on. The weakest of several is the largest.
type Basis int

// The bases, the firmest first.
const (
	Measured Basis = iota
	Simulated
	Assumed
)

func (b Basis) String() string { return [...]string{"measured", "simulated", "assumed"}[b] }

// Calls are NFS requests to a file system, by their number and the mean size of what they carry.
type Calls struct {
	Reads, ReadBytes   float64
	Writes, WriteBytes float64
	Metadata           float64 // all others
}

// Metered is what elastic throughput bills of the calls, in GB. Reads and writes are
// metered by the KiB with 32 KiB at the least, metadata with 4 KiB
// (docs.aws.amazon.com/efs/latest/ug, "Understanding billing and usage reports").
// AWS doesn't document at which price metadata is billed; a public bill of September 2026,
// nearly all metadata, was at that of reads.
func (c Calls) Metered() (read, written float64) {
	read = c.Reads*atLeast(c.ReadBytes, 32*kib) + c.Metadata*4*kib
	return read / gib, c.Writes * atLeast(c.WriteBytes, 32*kib) / gib
}

func atLeast(bytes, least float64) float64 { return max(least, math.Ceil(bytes/kib)*kib) }

// A Picture is what one job uses of the services around the painting, whatever paints it.
type Picture struct {
	Basis Basis

	APIRequests float64 // submission, looks at the status, result
	APISeconds  float64 // billed, of the API's function, for each of them
	Messages    float64 // requests to the queue about its message: send, receive, delete, extensions; each up to 64 KiB

	Submission Calls   // to the shared directory, by the API: looks and the result too
	Painting   Calls   // and by the worker
	Stored     float64 // bytes kept in the shared directory

	Copied  float64 // bytes copied to the bucket
	Objects float64 // objects that it is there
	Puts    float64 // further PUTs to the bucket, as of uploads
	Gets    float64

	Downloaded float64 // bytes to clients outside AWS, from API or bucket
	Views      float64 // files of it that the gallery's viewers fetch
	Viewed     float64 // bytes of each

	LogBytes       float64 // that the programs write
	CallLogBytes   float64 // that Lambda writes about each call of a function
	AccessLogBytes float64 // that a gateway writes about each request
}

// A Month is what is asked of a deployment.
type Month struct {
	Pictures float64
	Picture  Picture

	Kept       float64 // months that pictures are kept; the bill is that of the steady state
	Infrequent float64 // share of what is kept that has moved to infrequent access
	Active     float64 // hours of the month in which there are jobs: metrics are billed by the hour
	FreeTier   bool    // subtract AWS's free allowances; off in all headlines
}
