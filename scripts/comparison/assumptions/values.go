package assumptions

import "github.com/atelier-go/atelier/scripts/comparison/simulation"

// A Value is one assumption, for display in lists.
type Value struct {
	Name   string
	Value  float64
	Unit   string
	Source string // a page, a file of the repository, or the reason
}

// Values returns all assumptions, including the scenarios of bands, whose names begin with "band:".
func Values() []Value {
	const (
		performance = "docs.aws.amazon.com/efs/latest/ug/performance.html"
		template    = "scripts/deploy/template.yaml"
		rpcs        = "go test -v -run TestRPCs ./pkg/store"
	)
	sweeps := Sweeps()
	cold := ColdCalls("tensorflow")
	list := []Value{
		{"from submission until a message can be received", Transit, "s", "a few requests of about 20 ms, the example in docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/throughput.html"},
		{"placing of a new environment before its program starts, not billed", Placing, "s", "cold starts take from under 100 ms to over 1 s: docs.aws.amazon.com/lambda/latest/operatorguide/execution-environments.html"},
		{"boot of an instance until it receives jobs", Boot, "s", template + ", EstimatedInstanceWarmup"},
		{"keep-alive of an idle environment unless a scenario is named", KeepAlive, "s", "the middle scenario"},
		{"a worker's calls to EFS per picture, one after the other", storeCalls, "", rpcs + ": 26, and 4 of the first attempt"},
		{"time of such a call", storeCallSeconds, "s", "2.7 ms a write: " + performance + "; 4 of them write, 2 read, and the others, without data, may take less"},
		{"reads of an environment from EFS", EnvironmentReads, "bytes/s", "the lowest rate that " + performance + " states for a client; up to 1,500 MiB/s with the newest clients"},
		{"reads of all environments from EFS", FileSystemReads, "bytes/s", "elastic throughput's, 20 to 60 GiB/s by region: " + performance},
		{"READs of a start with TensorFlow on EFS, if not measured", cold.Reads, "", "scripts/bench-results.md, coldstart, 2026-11-29, read ahead, 2 ms a call"},
		{"bytes of these READs", cold.Reads * cold.ReadBytes, "bytes", "the same; the minimum of 32 KiB that EFS meters per READ is not applied, which would add at most 10%"},
		{"other calls of a start to EFS", coldMetadata, "", "a few for each opened file; little compared with the reads"},
		{"processors of an instance, and jobs at once", Processors, "processors", InstanceType + "; each counts as much as that of a function with 1,769 MB, because AWS calls both one vCPU"},
		{"disk of an instance, without pictures", Disk, "GB", template + ", for system, engine and model"},
		{"empty receives by a daemon without jobs", DaemonPolls, "an hour", "long polls of 20 s"},
		{"calls of a function at once by the mapping", MaximumConcurrency, "", template + ", MaximumConcurrency"},
		{"maximum number of instances from zero", MaximumInstances, "", template + ", MaxInstances"},
		{"share of busy processors above which managed instances are launched", ManagedShare, "", "AWS documents only that they scale by processor use"},
		{"a picture's file", bytesAPixel, "bytes per pixel", "100 KB for 512 x 512"},
		{"months for which pictures are stored", kept, "", "increases the bill equally for all designs that use EFS and S3"},
		{"views of a picture in the gallery", views, "", "pictures are private, as by default with keys and in the measurements: none is in the gallery"},
		{"requests to the API per picture", apiRequests, "", "submission, six requests for the status, result"},
		{"billed time of each of these requests", apiSeconds, "s", "as in the bills calculated by hand of package cost"},
		{"requests to the queue per picture", messages, "", "send, receive, delete"},
		{"calls of the API to EFS per picture, without data", Month(1, 512, 0).Picture.Submission.Metadata, "", rpcs},
		{"calls of the worker to EFS per picture, without data", Month(1, 512, 0).Picture.Painting.Metadata, "", rpcs},
		{"log per request, by the API", apiLogBytes, "bytes", "lines of api-lambda, with the 26 bytes that CloudWatch adds to an event"},
		{"log per picture, by the worker", workerLogBytes, "bytes", "lines of worker-lambda and of the submission, with 26 bytes per event"},
		{"log per function call, by Lambda", callLogBytes, "bytes", "START, END and REPORT, docs.aws.amazon.com/lambda/latest/dg/golang-logging.html"},
		{"log per request, by the gateway", accessLogBytes, "bytes", template + ", AccessLogSettings"},
		{"billed time per sweep of the maintenance function, one a minute", sweeps.Billed, "s", "scripts/deploy/README.md"},
		{"calls to EFS per sweep", sweeps.Calls.Metadata, "", "scripts/deploy/README.md"},
		{"log per sweep", sweeps.LogBytes, "bytes", "scripts/deploy/README.md"},
	}
	for _, k := range simulation.KeepAlives() {
		list = append(list, Value{"band: keep-alive of an idle environment", k, "s", "not documented"})
	}
	for _, r := range simulation.SpeedRatios() {
		list = append(list, Value{"band: time on AWS's processors divided by the measured time", r, "", "not measured on AWS; functions and instances independently"})
	}
	for _, y := range Yields() {
		list = append(list, Value{"band: work of two jobs at once on an instance, divided by that of two cores", y, "", InstanceType + " has one core with two hardware threads, the measured machine may have two cores"})
	}
	for _, s := range StoreShares() {
		list = append(list, Value{"band: waits for EFS per picture, as a share of the assumed ones", s, "", "24 of the 30 calls carry no data, and 2 read; AWS publishes no figure for calls without data"})
	}
	return list
}
