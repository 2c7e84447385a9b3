package assumptions

import "github.com/atelier-go/atelier/scripts/comparison/cost"

// Use of services other than compute per picture.
const (
	bytesAPixel = 0.4 // size of a picture's file
	kept        = 1.0 // months of storage
	views       = 0.0 // views in the gallery: the pictures are private, like those that were measured

	looks       = 6.0         // requests for the status
	apiRequests = 2.0 + looks // submission, status, result
	apiSeconds  = 0.02
	messages    = 3.0 // send, receive, delete

	apiLogBytes    = 500.0 // per request, with CloudWatch's 26 per event
	workerLogBytes = 1100.0
	callLogBytes   = 390.0
	accessLogBytes = 276.0

	smallRead = 32 << 10 // bytes: EFS meters smaller READs as this size
)

// Month returns a month with a number of pictures of size px; active is the number of hours with
// jobs.
func Month(pictures float64, size int, active float64) cost.Month {
	file := float64(size) * float64(size) * bytesAPixel
	return cost.Month{
		Pictures: pictures, Kept: kept, Active: active,
		Picture: cost.Picture{
			Basis:       cost.Assumed,
			APIRequests: apiRequests, APISeconds: apiSeconds, Messages: messages,
			// Numbers of RPCs: 16 of a submission; 5, 3, 3, 3, 3 and 6 of the status requests; 7 of
			// the result. The READs are three small ones and the result.
			Submission: cost.Calls{Metadata: 40, Writes: 2, WriteBytes: file / 2, Reads: 4, ReadBytes: (3*smallRead + file) / 4},
			Painting:   cost.Calls{Metadata: 24, Writes: 4, WriteBytes: file / 4, Reads: 2, ReadBytes: file},
			Stored:     2.2 * file, Copied: 1.2 * file, Objects: 2, Puts: 1, Gets: 1,
			Downloaded: 1.2 * file, Views: views, Viewed: 0.2 * file,
			LogBytes: apiRequests*apiLogBytes + workerLogBytes, CallLogBytes: callLogBytes, AccessLogBytes: accessLogBytes,
		},
	}
}

// SynchronousMonth returns a month with pictures that are painted while their clients wait, each in
// one request, and that are not stored.
func SynchronousMonth(pictures float64, size int) cost.Month {
	file := float64(size) * float64(size) * bytesAPixel
	return cost.Month{Pictures: pictures, Picture: cost.Picture{
		Basis: cost.Assumed, APIRequests: 1, Downloaded: 1.2 * file,
		LogBytes: apiLogBytes, CallLogBytes: callLogBytes, AccessLogBytes: accessLogBytes,
	}}
}

// Sweeps returns the sweeps of the maintenance function, with the figures of the deployment's
// README.
func Sweeps() cost.Sweeps {
	return cost.Sweeps{Basis: cost.Assumed, Memory: 512, Billed: 0.2, Calls: cost.Calls{Metadata: 20}, LogBytes: 300}
}
