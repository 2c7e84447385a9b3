package cost

// A Gateway is what stands before the API.
type Gateway string

// The gateways.
const (
	NoGateway Gateway = ""
	HTTPAPI   Gateway = "http-api"
	RESTAPI   Gateway = "rest-api"
)

// A Throughput is the file system's mode.
type Throughput string

// The modes that the template allows, and none.
const (
	NoFileSystem Throughput = ""
	Elastic      Throughput = "elastic"
	Bursting     Throughput = "bursting" // reads and writes within credits are free: see [Credits]
)

// A Deployment is what runs, in the shape in which it is billed. Function, Instances
// and Managed paint; those that are nil don't.
type Deployment struct {
	Name string

	Function  *Function
	Instances *Instances
	Managed   *Managed

	Gateway    Gateway
	APIMemory  float64 // MB of the API's function; 0 where the painting function or a server takes requests
	Queue      bool
	Throughput Throughput
	Copies     bool // by DataSync to a bucket
	Gallery    bool // on CloudFront
	Sweeps     *Sweeps

	JobMetrics   float64 // written in hours with jobs
	SweepMetrics float64 // written always
	Alarms       float64 // metrics that alarms look at
	Dashboards   float64
	LogMonths    float64 // that logs are kept
}

// A Function paints one picture an invocation.
type Function struct {
	Basis Basis

	Architecture string  // x86_64 or arm64
	Memory       float64 // MB
	Warm         float64 // billed seconds of a picture in a warm environment
	ColdShare    float64 // share of pictures that start an environment
	Init         float64 // billed seconds that a cold start adds
	ColdCalls    Calls   // to the shared directory that it adds: the engine and its model, where they lie there

	IdlePolls float64 // empty receives of the queue's mapping in a month: see [IdlePolls]; 0 where it is invoked directly
}

// IdlePolls are the empty receives a month of an event source mapping with so many
// pollers, each a long poll of 20 s. Lambda keeps 5, and goes down to 2 only where
// the mapping has no maximum concurrency
// (docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html). AWS names no
// length of a poll: 20 s is SQS's longest. A poll that finds a message is counted
// here too, so this is the most that it can be.
func IdlePolls(pollers float64) float64 { return pollers * 3 * Minutes }

// Instances are EC2 instances on which the daemon paints.
type Instances struct {
	Basis Basis

	Type         string
	Hours        float64 // of all in the month; 730 for each that always runs
	Always       bool    // they run whether there is work or not: a fixed cost
	PriceFactor  float64 // what spot or a savings plan pays of the on-demand price; 0 is 1, the only one for headlines
	Disk         float64 // GB of gp3 for each
	Addresses    float64 // public IPv4 addresses for each
	PollsPerHour float64 // empty receives of each daemon: 180 an hour by long polls of 20 s
}

// Managed are Lambda Managed Instances: EC2's on-demand price, a fee on it, and
// requests. That they take Go and EFS is not documented: every figure of theirs is
// hypothetical. Their disks are not in the bill, since AWS names no size.
type Managed struct {
	Basis Basis
	Type  string
	Hours float64 // of all; three run at the least by default (docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-scaling.html)

	IdlePolls float64 // as of a [Function]
}

// Sweeps are the maintenance function's, one a minute.
type Sweeps struct {
	Basis    Basis
	Memory   float64 // MB
	Billed   float64 // seconds of each
	Calls    Calls   // of each
	LogBytes float64 // of each
}
