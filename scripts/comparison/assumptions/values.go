package assumptions

import "github.com/atelier-go/atelier/scripts/comparison/simulation"

// A Value is one assumption, for lists of them.
type Value struct {
	Name   string
	Value  float64
	Unit   string
	Source string // a page, a file of the repository, or the reason
}

// Values are all assumptions, the scenarios of bands included.
func Values() []Value {
	const (
		performance = "docs.aws.amazon.com/efs/latest/ug/performance.html"
		template    = "scripts/deploy/template.yaml"
		rpcs        = "go test -v -run TestRPCs ./pkg/store"
	)
	sweeps := Sweeps()
	cold := ColdCalls("tensorflow")
	list := []Value{
		{"from submission until a message can be received", Transit, "s", "a few requests of some 20 ms, the example of docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/throughput.html"},
		{"placing of a new environment, which is not billed", Placing, "s", "cold starts take from under 100 ms to over 1 s: docs.aws.amazon.com/lambda/latest/operatorguide/execution-environments.html"},
		{"boot of an instance until it takes jobs", Boot, "s", template + ", EstimatedInstanceWarmup"},
		{"keep-alive of an idle environment where no scenario is named", KeepAlive, "s", "the middle scenario"},
		{"a worker's calls to EFS for a picture, one after the other", storeCalls, "", rpcs + ": 26, and 4 of the first attempt"},
		{"time of such a call", storeCallSeconds, "s", "2.7 ms a write: " + performance + "; 4 of them write, 2 read, and the others, without data, may take less"},
		{"reads of an environment from EFS", EnvironmentReads, "bytes/s", "the least that " + performance + " has for a client; up to 1,500 MiB/s with the newest clients"},
		{"reads of all environments from EFS", FileSystemReads, "bytes/s", "elastic throughput's, 20 to 60 GiB/s by region: " + performance},
		{"READs of a start with TensorFlow on EFS, where no run has them", cold.Reads, "", "scripts/bench-results.md, coldstart, 2026-11-29, read ahead, 2 ms a call"},
		{"bytes that they bring", cold.Reads * cold.ReadBytes, "bytes", "the same; the 32 KiB that EFS meters at the least are not applied to each, which is 10% at most"},
		{"other calls of a start to EFS", coldMetadata, "", "some for each file that is opened; little beside the reads"},
		{"processors of an instance, and jobs at once", Processors, "of a function's with 1,769 MB", InstanceType + "; both are said to be one vCPU"},
		{"disk of an instance, without pictures", Disk, "GB", template + ", for system, engine and model"},
		{"empty receives of a daemon without jobs", DaemonPolls, "an hour", "long polls of 20 s"},
		{"invocations at once of the mapping", MaximumConcurrency, "", template + ", MaximumConcurrency"},
		{"instances from zero at most", MaximumInstances, "", template + ", MaxInstances"},
		{"busy share at which managed instances are scaled", ManagedShare, "", "AWS documents no more than that they scale by the use of processors"},
		{"a picture's file", bytesAPixel, "bytes a pixel", "100 KB for 512 x 512"},
		{"months that pictures are kept", kept, "", "the bill grows with it alike for all that use EFS and S3"},
		{"views of a picture in the gallery", views, "", "pictures are private, the default with keys, as those measured are: the gallery has none of them"},
		{"requests to the API for a picture", apiRequests, "", "submission, six looks at the status, result"},
		{"billed time of each", apiSeconds, "s", "as in the bills by hand of package cost"},
		{"requests to the queue for a picture", messages, "", "send, receive, delete"},
		{"calls of the API to EFS for a picture, without data", Month(1, 512, 0).Picture.Submission.Metadata, "", rpcs},
		{"calls of the worker, without data", Month(1, 512, 0).Picture.Painting.Metadata, "", rpcs},
		{"log of a request, by the API", apiLogBytes, "bytes", "lines of api-lambda, with the 26 bytes that CloudWatch adds to an event"},
		{"log of a picture, by the worker", workerLogBytes, "bytes", "lines of worker-lambda, and the submission's; with these 26 bytes"},
		{"log of a function's call, by Lambda", callLogBytes, "bytes", "START, END and REPORT, docs.aws.amazon.com/lambda/latest/dg/golang-logging.html"},
		{"log of a request, by the gateway", accessLogBytes, "bytes", template + ", AccessLogSettings"},
		{"billed time of a sweep", sweeps.Billed, "s", "scripts/deploy/README.md"},
		{"calls of a sweep to EFS", sweeps.Calls.Metadata, "", "scripts/deploy/README.md"},
		{"log of a sweep", sweeps.LogBytes, "bytes", "scripts/deploy/README.md"},
	}
	for _, k := range simulation.KeepAlives() {
		list = append(list, Value{"band: keep-alive of an idle environment", k, "s", "not documented"})
	}
	for _, r := range simulation.SpeedRatios() {
		list = append(list, Value{"band: time on AWS's processors over that measured", r, "", "measured on none of AWS's; functions and instances each on their own"})
	}
	for _, y := range Yields() {
		list = append(list, Value{"band: two jobs at once on an instance, over twice one alone", y, "", InstanceType + " has one core with two hardware threads, the measured machine may have two cores"})
	}
	for _, s := range StoreShares() {
		list = append(list, Value{"band: waits for EFS in a picture, over those assumed", s, "", "24 of the 30 calls carry no data, and 2 read; AWS has no figure for calls without data"})
	}
	return list
}
