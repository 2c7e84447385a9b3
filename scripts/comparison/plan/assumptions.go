package plan

import (
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
)

// What nobody measured here, each with its reason in [assumptions].
const (
	transit      = 0.1   // seconds
	place        = 0.5   // seconds
	boot         = 180.0 // seconds
	storeCalls   = 30.0  // of the worker, for a picture
	storeSeconds = storeCalls * 2.7e-3
	readsASecond = 500 << 20 // bytes
	disk         = 12.0      // GB
	bytesAPixel  = 0.4
	apiRequests  = 8.0
	apiSeconds   = 0.02
	messages     = 3.0
	managedShare = 0.5
	keptMonths   = 1.0
	views        = 3.0
)

func assumptions(t Times) []Assumption {
	list := []Assumption{
		{"from submission until a message can be received", transit, "s", "a few requests of some 20 ms, the example of docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/throughput.html"},
		{"placing of a new environment, which is not billed", place, "s", "cold starts take from under 100 ms to over 1 s: docs.aws.amazon.com/lambda/latest/operatorguide/execution-environments.html"},
		{"boot of an instance until it takes jobs", boot, "s", "scripts/deploy/template.yaml, EstimatedInstanceWarmup"},
		{"a worker's calls to EFS for a picture, one after the other", storeCalls, "", "DESIGN.md, what a job costs the file server: 26 and 4 RPCs"},
		{"time of such a call", storeSeconds / storeCalls, "s", "2.7 ms a write, the most of them: docs.aws.amazon.com/efs/latest/ug/performance.html; reads take less"},
		{"reads of an environment from EFS", readsASecond, "bytes/s", "the least that page has for a client; up to 1,500 MiB/s with the newest clients"},
		{"a picture's file", bytesAPixel, "bytes a pixel", "100 KB for 512 x 512"},
		{"requests to the API for a picture", apiRequests, "", "submission, six looks at the status, result"},
		{"billed time of each", apiSeconds, "s", "as in the bills by hand of package cost"},
		{"requests to the queue for a picture", messages, "", "send, receive, delete"},
		{"months that pictures are kept", keptMonths, "", "the bill grows with it alike for all that use EFS and S3"},
		{"views of a picture in the gallery", views, "", "alike for all but one machine, which has none"},
		{"busy share at which managed instances are scaled", managedShare, "", "AWS documents no more than that they scale by the use of processors"},
		{"processors of an instance", 1, "of a function's with 1,769 MB", "both are said to be one vCPU"},
	}
	for _, k := range simulation.KeepAlives() {
		list = append(list, Assumption{"band: keep-alive of an idle environment", k, "s", "not documented"})
	}
	for _, r := range simulation.SpeedRatios() {
		list = append(list, Assumption{"band: time on AWS's processors over that measured", r, "", "measured on none of AWS's; functions and instances each on their own"})
	}
	if t.Source.Runs < 2 {
		list = append(list, Assumption{"spread of service times", 0, "s", "only medians are known: intervals are those of the bands alone"})
	}
	return list
}

// month is what is asked of a deployment in a month.
func month(size int, s sampled) cost.Month {
	file := float64(size) * float64(size) * bytesAPixel
	return cost.Month{
		Pictures: s.perDay * cost.Seconds / day, Kept: keptMonths, Active: s.active(),
		Picture: cost.Picture{
			Basis:       cost.Assumed,
			APIRequests: apiRequests, APISeconds: apiSeconds, Messages: messages,
			Submission: cost.Calls{Metadata: 14, Writes: 2, WriteBytes: file / 2},
			Painting:   cost.Calls{Metadata: 24, Writes: 4, WriteBytes: file / 4, Reads: 2, ReadBytes: file},
			Stored:     2.2 * file, Copied: 1.2 * file, Objects: 2, Puts: 1, Gets: 1,
			Downloaded: 1.2 * file, Views: views, Viewed: 0.2 * file, LogBytes: 1 << 10,
		},
	}
}

// sweeps are those of the deployment's README.
var sweeps = cost.Sweeps{Basis: cost.Assumed, Memory: 512, Billed: 0.2, Calls: cost.Calls{Metadata: 20}, LogBytes: 300}
