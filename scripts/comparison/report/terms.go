package report

import "github.com/atelier-go/atelier/scripts/comparison/assumptions"

// terms are those that readers need who know neither Lambda nor EC2.
func terms() []Term {
	return []Term{
		{"Picture", "A photograph that a neural network has painted in another style. One job is one picture."},
		{"Functions", "AWS Lambda: AWS starts a program when there is a job, and bills its memory for the time that it works. Without jobs the program costs nothing."},
		{"Instance", "EC2: a virtual machine, here " + assumptions.InstanceType + " with two processors, billed by the hour, with or without jobs."},
		{"Always-on instances", "The same services as with functions (gateway, queue, shared file system in two zones, copies of the pictures), but instances paint, all month."},
		{"One machine", "One instance that does everything on its own disk: no gateway, no second zone, no copies. The cheapest way that keeps a machine on; more machines where one is not enough."},
		{"Instances from zero", "As always-on instances, but none runs without jobs. An alarm launches them, which takes minutes."},
		{"Compute alone", "The part of the bill for what paints: functions, or instances with their disks."},
		{"The whole bill", "Compute and all other services: gateway, queue, storage, copies, logs, alarms, transfer."},
		{"Saving", "The part of the instances' bill that functions save. At 70% functions cost 30% of it; below 0% they cost more."},
		{"Duty", "The number of pictures as a share of what one instance sustains, from 0% to 100%. Its processors can idle at 100%, where jobs wait for the shared file system."},
		{"d*, d70", "The duties at which functions cost as much as instances, and save 70%."},
		{"Cold start", "A job for which AWS has to start the program first, since none is idle. Idle ones are ended after minutes."},
		{"Environment", "What AWS runs a function's program in: one job at a time, with memory and processors of its own. Idle ones are kept for some time, the keep-alive, for which they cost nothing."},
		{"Shared file system (EFS)", "AWS's network file system (NFS), in which pictures wait and are kept, and where TensorFlow lies for functions. Read ahead: a start reads its files in large pieces before it needs them."},
		{"Gateway", "API Gateway, by which requests of clients reach functions."},
		{"Mapping", "The part of AWS that takes jobs from the queue and calls functions with them, with so many at once as it is allowed, a number that it raises step by step."},
		{"MiniStack", "A program that stands in for AWS's functions and queue on the machine of the measurement. Its delays are not AWS's."},
		{"Server and daemon", "On instances: one program takes requests, another, the daemon, takes jobs from the queue and paints."},
		{"Synchronous function", "A function that paints within the client's request, with no queue; run here without AWS, by a program that does as Lambda does."},
		{"Share of the processors", "A function may use processors in proportion to its memory: one for 1,769 MB. Linux holds programs here to as much, anew in each period of 20 or 100 ms."},
		{"Hypothetical", "What AWS names no support for, such as this program in functions that serve several requests at once."},
		{"Scenarios", "Values of what AWS does not document. The lowest and the highest result of all of them are given."},
		{"Resampling", "Taking as many runs again by chance out of those there are, many times, to see how much a result depends on which runs there were."},
		{"Engine", "The library that computes the picture: TensorFlow or ONNX Runtime."},
		{"p50, p95, p99", "The time in which 50%, 95% or 99% of the jobs are done."},
	}
}
