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
		{"Duty", "How busy one instance would be with the jobs, from 0% to 100%."},
		{"d*, d70", "The duties at which functions cost as much as instances, and save 70%."},
		{"Cold start", "A job for which AWS has to start the program first, since none is idle. Idle ones are ended after minutes."},
		{"Engine", "The library that computes the picture: TensorFlow or ONNX Runtime."},
		{"p50, p95, p99", "The time in which 50%, 95% or 99% of the jobs are done."},
	}
}
