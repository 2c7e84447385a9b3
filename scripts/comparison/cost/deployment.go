package cost

// A Gateway is the kind of gateway in front of the API.
type Gateway string

// The gateways.
const (
	NoGateway Gateway = ""
	HTTPAPI   Gateway = "http-api"
	RESTAPI   Gateway = "rest-api"
)

// A Throughput is the file system's throughput mode.
type Throughput string

// The modes that the template allows, and no file system.
const (
	NoFileSystem Throughput = ""
	Elastic      Throughput = "elastic"
	Bursting     Throughput = "bursting" // reads and writes are free while the file system has credits
)

// A Deployment is what runs, in the form in which it is billed. Pictures are painted by those of
// Function, Instances and Managed that are not nil.
type Deployment struct {
	Name string

	Function  *Function
	Instances *Instances
	Managed   *Managed

	Gateway    Gateway
	APIMemory  float64 // MB of the API's function; 0 if the painting function or a server receives requests
	Queue      bool
	Throughput Throughput
	Copies     bool // results are copied by DataSync to a bucket
	Gallery    bool // the gallery is served by CloudFront
	Sweeps     *Sweeps

	JobMetrics   float64 // metrics written in hours with jobs
	SweepMetrics float64 // metrics written in every hour
	Alarms       float64 // metrics that alarms evaluate
	Dashboards   float64
	LogMonths    float64 // months for which logs are kept
}

// A Function paints one picture per invocation.
type Function struct {
	Basis Basis

	Architecture string  // x86_64 or arm64
	Memory       float64 // MB
	Warm         float64 // billed seconds of a picture in a warm environment
	ColdShare    float64 // share of pictures that start an environment
	Init         float64 // billed seconds that a cold start adds
	ColdCalls    Calls   // calls to the shared directory that it adds, to read engine and model if they are there

	IdlePolls float64 // empty receives of the queue's mapping in a month: see [IdlePolls]; 0 if it is invoked directly
}

// IdlePolls returns the empty receives a month of an event source mapping with a number of pollers,
// each making long polls of 20 s. Lambda keeps 5, and reduces them to 2 only if the mapping has no
// maximum concurrency (docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html). AWS does
// not document the length of a poll: 20 s is SQS's maximum. Polls that find a message are counted
// too, so this is the upper limit.
func IdlePolls(pollers float64) float64 { return pollers * 3 * Minutes }

// Instances are EC2 instances on which the daemon paints.
type Instances struct {
	Basis Basis

	Type         string
	Hours        float64 // of all instances in the month; 730 for each that always runs
	Always       bool    // they run even without work: a fixed cost
	PriceFactor  float64 // the share of the on-demand price that spot or a savings plan pays; 0 means 1, as in all headline figures
	Disk         float64 // GB of gp3 per instance
	Addresses    float64 // public IPv4 addresses per instance
	PollsPerHour float64 // empty receives per daemon: 180 an hour with long polls of 20 s
}

// Managed are Lambda Managed Instances: EC2's on-demand price, a fee on it, and requests. AWS does
// not document that they support Go and EFS, so all of their figures are hypothetical. Their disks
// are not in the bill, because AWS states no size.
type Managed struct {
	Basis Basis
	Type  string
	Hours float64 // of all instances; at least three run by default (docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-scaling.html)

	IdlePolls float64 // see [Function]
}

// Sweeps are the invocations of the maintenance function, one a minute.
type Sweeps struct {
	Basis    Basis
	Memory   float64 // MB
	Billed   float64 // seconds per sweep
	Calls    Calls   // per sweep
	LogBytes float64 // per sweep
}
