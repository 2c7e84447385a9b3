package report

import "github.com/atelier-go/atelier/scripts/comparison/assumptions"

// terms returns the explanations for readers who know neither Lambda nor EC2.
func terms() []Term {
	return []Term{
		{"Picture", "A photograph that a neural network repaints in another style. One job is one picture."},
		{"Functions", "AWS Lambda: AWS starts a program when there is a job, and bills its memory for the time that it runs. Without jobs it costs nothing."},
		{"Instance", "EC2: a virtual machine, here " + assumptions.InstanceType + " with two processors, billed by the hour whether there are jobs or not."},
		{"Always-on instances", "The same services as with functions (gateway, queue, shared file system in two zones, copies of the pictures), but the pictures are painted by instances that run all month."},
		{"One machine", "One instance that does everything on its own disk: no gateway, no second zone, no copies. The cheapest design with a machine that is always on. If one is not enough, there are more machines."},
		{"Instances from zero", "Like always-on instances, but none runs while there are no jobs. An alarm launches them, which takes minutes."},
		{"Compute only", "The part of the bill for painting: functions, or instances with their disks."},
		{"The whole bill", "Compute and all other services: gateway, queue, storage, copies, logs, alarms, transfer."},
		{"Saving", "The part of the instances' bill that functions save. At 70% functions cost 30% of the instances' bill; below 0% they cost more."},
		{"Duty", "The number of pictures as a share of what one instance sustains, from 0% to 100%. Even at 100% its processors can be partly idle, because jobs wait for the shared file system."},
		{"d*, d70", "The duties at which functions cost as much as instances, and at which they save 70%."},
		{"Cold start", "A job for which AWS has to start the program first, because no idle one is available. Idle programs are ended after minutes."},
		{"Environment", "The virtual machine in which AWS runs one instance of a function's program: one job at a time, with its own memory and processors. AWS keeps an idle environment for some time, the keep-alive, at no cost."},
		{"Shared file system (EFS)", "AWS's network file system (NFS), which stores pictures before and after painting, and TensorFlow for functions. Read ahead: a start reads its files in large pieces before it needs them."},
		{"Gateway", "API Gateway, which passes requests of clients to functions."},
		{"Mapping", "The part of AWS that receives jobs from the queue and calls functions with them. It limits the number of calls at once and raises the limit step by step."},
		{"MiniStack", "A program that emulates AWS's functions and queue on the machine of the measurement. Its delays differ from AWS's."},
		{"Server and daemon", "The programs on instances: the server accepts requests, and the daemon receives jobs from the queue and paints."},
		{"Synchronous function", "A function that paints while the client's request waits, without a queue. Here it is run by a program that behaves like Lambda."},
		{"Share of the processors", "A function may use processors in proportion to its memory: one for each 1,769 MB. In the measurements Linux limits programs to this share, in each period of 20 or 100 ms."},
		{"Hypothetical", "A design for which AWS documents no support, such as this program in functions that serve several requests at once."},
		{"Scenarios", "Different values for what AWS does not document. The report gives the lowest and the highest result over all of them."},
		{"Resampling", "Drawing as many runs as there are at random with repetition, many times, to see how much a result depends on which runs were made."},
		{"Engine", "The library that computes the picture: TensorFlow or ONNX Runtime."},
		{"p50, p95, p99", "The time in which 50%, 95% or 99% of the jobs are done."},
	}
}
