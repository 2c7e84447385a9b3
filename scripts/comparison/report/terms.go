package report

import (
	"fmt"

	"github.com/atelier-go/atelier/scripts/comparison/assumptions"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
)

// introduction returns what a reader has to know before the recommendation. Its last paragraph
// introduces [marks].
func introduction() []string {
	return []string{
		"The program examined here paints pictures: a neural network repaints a photograph in another style, which is one job. This report compares two ways to run it on AWS. Functions (AWS Lambda) run only while there are jobs, and only this time is billed. Instances (EC2) are virtual machines that are billed as long as they run, with or without jobs.",
		"Functions are compared with two designs whose instances run all month. Always-on instances use the same services of AWS as functions: a gateway, a queue, a shared file system, and copies of the pictures. One machine does nearly everything itself and stores the pictures on its own disk. The whole bill has all services; compute only is its part for painting. The results depend on the volume, which is the number of pictures a day. The section Terms explains all other words.",
		"Each table and chart has a mark for the weakest evidence that its figures depend on:",
	}
}

// marks returns the meaning of each [cost.Basis].
func marks() []Term {
	return []Term{
		{cost.Measured.String(), "all figures are from runs of the real programs on one machine, which is not AWS's."},
		{cost.Simulated.String(), "some figures are results of a simulation, whose inputs are measured or documented."},
		{cost.Assumed.String(), "some inputs of a simulation or a bill are neither measured nor documented, such as the storage per picture in all bills. The section Threats to validity lists these inputs."},
	}
}

// terms returns the explanations for readers who know neither Lambda nor EC2.
func terms() []Term {
	return []Term{
		{"Picture", "A photograph and what is painted from it; one job is one picture. Pictures are square: 512 px means 512 by 512 pixels."},
		{"Arriving at random", "Each job arrives independently of the others, and the mean rate does not change (Poisson arrivals)."},
		{"Functions", "AWS Lambda: AWS runs a program when there is a job for it. The bill is the time that the program runs, multiplied by the memory that it is given, and a small amount per job. A function without jobs is not billed, but the requests by which AWS finds its queue empty are."},
		{"Environment", "A virtual machine in which AWS runs a function's program. It handles one job at a time. When a job is finished, AWS keeps the environment for further jobs, and ends it if none arrives for some time: the keep-alive, which is neither billed nor documented."},
		{"Cold start", "The start of an environment, because a job has found no idle one. The job waits while AWS places the environment, which is not billed, and while the program loads the engine and the neural network, which is billed."},
		{"Cold and warm pictures", "The first picture of an environment, or of a process in the measurements, is cold; all later ones are warm. The share of cold starts is the share of cold pictures among all pictures."},
		{"Instance", "EC2: a virtual machine, here " + assumptions.InstanceType + " with two processors, which are two hardware threads of one core. It is billed for the time that it runs, with or without jobs."},
		{"Always-on instances", "Instances that run all month: as many as the volume needs, and at least one. All other services are those that functions use: gateway, queue, a shared file system in several zones, and copies of the pictures."},
		{"One machine", "The cheapest design with instances that run all month. An instance receives the requests, paints, and stores the pictures on its own disk. It uses AWS's queue, but has no gateway, no second zone and no copies of the pictures. If one such machine is not enough for the volume, the bill is for several."},
		{"Instances from zero", "Like always-on instances, but none runs while there are no jobs. An alarm launches the first one when jobs wait, which takes minutes."},
		{"Alternative", "The design with which functions are compared: always-on instances, one machine, or instances from zero."},
		{"Zone", "A group of AWS's data centres that can fail independently of others in the same region."},
		{"Compute only", "The part of the bill for painting: functions with the reads of their cold starts, or instances with their disks, and in both cases the requests that find the queue empty."},
		{"The whole bill", "Compute and all other services: gateway with the functions that receive requests, queue, storage, copies, logs, alarms, and data sent to clients."},
		{"Saving", "1 minus the functions' bill divided by the alternative's bill. At a saving of 70%, functions cost 30% of the alternative; if it is negative, they cost more."},
		{"Sustained rate", fmt.Sprintf("The highest rate of jobs, arriving at random, at which the latency of 95%% of them is at most %s s on one instance, and at which its processors suffice for all programs on it. The latency is simulated; the processor time is measured.", exact(goal))},
		{"Duty", "The pictures of a month, divided by those that one instance of the alternative would paint in a month at its sustained rate. At 100% its processors can still be idle for a part of the time, because jobs wait for the shared file system. If jobs arrive unevenly, more than one instance is needed below 100%."},
		{"d*, d70", "The duty at which functions cost as much as the alternative, and the duty at which they save 70%."},
		{"Queue", "SQS, AWS's message queue: it has a message for each submitted job until a worker has painted the picture. If all workers are busy, jobs wait there."},
		{"Worker", "The program that receives jobs and paints: a function, or the daemon on an instance. A worker alone is measured without load: it paints one picture after the other."},
		{"Handler", "The part of a worker that handles one job: from its receipt until the painted picture is stored."},
		{"Server and daemon", "The programs of one machine, which were measured together: the server receives requests, and the daemon receives jobs from the queue and paints. All other instances run only the daemon."},
		{"Gateway", "API Gateway, a service of AWS that passes requests of clients to functions."},
		{"Mapping", "The part of AWS that receives jobs from the queue and calls functions with them. It limits the number of calls at once, and raises this limit step by step."},
		{"Shared file system (EFS)", "AWS's network file system (NFS). It stores pictures before and after painting and, for functions with TensorFlow, engine and neural network. Read ahead: a cold start reads these files in large pieces before they are needed."},
		{"Engine", "The library that computes the neural network: TensorFlow or ONNX Runtime."},
		{"Synchronous function", "A function that paints while the client's request waits, without a queue. In the measurements it is run by a program that behaves like Lambda."},
		{"Python server", "A server in Python (Flask) on an instance that paints while the client's request waits, with TensorFlow, and stores no pictures."},
		{"MiniStack", "A program that emulates AWS's functions and queue on the machine of the measurement. Its delays differ from AWS's."},
		{"Share of the processors", "The processors that a function may use, in proportion to its memory: one for each 1,769 MB. In the measurements Linux limits a worker's processor time in each period of 20 ms, as Lambda does, or of 100 ms."},
		{"Hypothetical", "A design for which AWS documents no support, such as functions in Go whose environments serve several requests at once."},
		{"Latency; p50, p95, p99", "Latency is the time from the submission of a job until its picture is stored. p50, p95 and p99 are the latencies that 50%, 95% and 99% of the jobs do not exceed."},
		{"Variant, run", "A variant is one combination of program, engine, size, memory and load. It is measured in several runs, each of which restarts the programs. A run is void, and not used, if it was disturbed or if jobs failed."},
		{"95% interval", "A range around a figure, computed from the differences between runs. If the whole measurement were repeated many times, 95% of such ranges would contain the true value for this machine."},
		{"Resampling", "A way to compute a 95% interval: the result is computed again many times, each time from as many runs as there are, drawn at random with repetition."},
		{"Scenarios", "Different values of what AWS does not document. The report states the lowest and the highest result over all combinations of them."},
	}
}
