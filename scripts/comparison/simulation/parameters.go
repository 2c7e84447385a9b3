package simulation

// Values that AWS documents or the deployment's template sets, and assumptions for others. [Parameters]
// has the sources.
const (
	MappingInitial     = 5
	MappingStep        = 300
	MappingStepSeconds = 60.0
	MappingMaximum     = 1000

	ReceiveSeconds = 20.0 // duration of a long poll that receives nothing

	DefaultConcurrency = 1000

	InstanceMinimumSeconds = 60.0

	MetricPeriodSeconds = 60.0
	MetricLagSeconds    = 60.0
	ScaleOutPeriods     = 3
	ScaleInPeriods      = 15
	ScaleInShare        = 0.9
	IdlePeriods         = 15
	BacklogPerInstance  = 30.0
	WarmupSeconds       = 180.0

	ManagedInstances = 3
)

// KeepAlives returns the scenarios for the time that AWS keeps an idle environment, in seconds.
func KeepAlives() []float64 { return []float64{300, 600, 1800} }

// LifetimeSeconds is the assumed age at which an environment is replaced.
const LifetimeSeconds = 2 * 3600.0

// SpeedRatios returns the scenarios for the time that work takes on one of AWS's processors, divided
// by the time that it took on the measured machine.
func SpeedRatios() []float64 { return []float64{0.7, 1, 1.5} }

// An Origin is the kind of source of a parameter's value.
type Origin string

// Origins.
const (
	Documented   Origin = "documented"    // by AWS or in the deployment's template
	Extrapolated Origin = "extrapolation" // an assumption about AWS; results are scenarios
)

// A Parameter is a value of the model with its origin, for reports.
type Parameter struct {
	Name   string
	Value  float64
	Unit   string
	Origin Origin
	Source string // a page, or the reason for an assumption
}

const (
	pageMapping     = "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html"
	pageConcurrency = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html"
	pageLifetime    = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"
	pagePolling     = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html"
	pageManaged     = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-scaling.html"
	pageMetric      = "https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-target-tracking-metric-math.html"
	pageTracking    = "https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-target-tracking.html"
	template        = "scripts/deploy/template.yaml"
	pageBilling     = "https://aws.amazon.com/ec2/pricing/on-demand/"
)

// Parameters returns the model's values with their origins.
func Parameters() []Parameter {
	list := []Parameter{
		{"calls of a function at once by a mapping, limit at first", MappingInitial, "", Documented, pageMapping},
		{"calls by which a step raises a mapping's limit", MappingStep, "", Documented, pageMapping + " (up to 300 a minute)"},
		{"time between steps of a mapping", MappingStepSeconds, "s", Extrapolated, "the rate per minute is documented, but not the steps in which it is applied"},
		{"calls of a function at once by a mapping, highest limit", MappingMaximum, "", Documented, pageMapping},
		{"requests of a mapping to an empty queue at once", MappingInitial, "", Documented, pageMapping + " (as few as 2, but not with a maximum concurrency)"},
		{"duration of such a request (long poll)", ReceiveSeconds, "s", Extrapolated, "the maximum of SQS, " + pagePolling + "; the value of a mapping is not documented"},
		{"environments at once of an account", DefaultConcurrency, "", Documented, pageConcurrency + " (new accounts may have less)"},
		{"age at which an environment is replaced", LifetimeSeconds, "s", Extrapolated, "every few hours, " + pageLifetime},
		{"minimum billed time of an instance", InstanceMinimumSeconds, "s", Documented, pageBilling},
		{"period of the metric that launches and ends instances", MetricPeriodSeconds, "s", Documented, pageMetric},
		{"time until the metric of a period is visible", MetricLagSeconds, "s", Extrapolated, "CloudWatch shows SQS's metrics within minutes"},
		{"target: unfinished jobs per instance", BacklogPerInstance, "", Documented, template + ", BacklogPerInstance"},
		{"periods above the target before instances are launched", ScaleOutPeriods, "", Extrapolated, "as in the alarms that target tracking creates; AWS may change them"},
		{"periods below the target before an instance is ended", ScaleInPeriods, "", Extrapolated, "as in the alarms that target tracking creates; AWS may change them"},
		{"share of the target below which an instance is ended", ScaleInShare, "", Extrapolated, "as in the alarms that target tracking creates; one instance per period is ended, because it scales in gradually, " + pageTracking},
		{"periods without jobs before all instances are ended", IdlePeriods, "", Documented, template + ", InstanceWithoutWork"},
		{"time after a launch in which no instance is ended", WarmupSeconds, "s", Documented, template + ", EstimatedInstanceWarmup"},
		{"minimum number of managed instances", ManagedInstances, "", Documented, pageManaged},
	}
	for _, s := range KeepAlives() {
		list = append(list, Parameter{"keep-alive of an idle environment", s, "s", Extrapolated, "not documented; observed between minutes and half an hour"})
	}
	for _, r := range SpeedRatios() {
		list = append(list, Parameter{"time on a function's processors divided by the measured time", r, "", Extrapolated, "this machine is not one of AWS's"})
	}
	return list
}
