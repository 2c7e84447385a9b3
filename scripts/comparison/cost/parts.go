package cost

// A Part is what one type of the template's resources adds to a bill: either rows, listed by their
// Part, or nothing, with the reason.
type Part struct {
	Rows []string
	Free string
}

// Template lists each type of resource in scripts/deploy/template.yaml.
var Template = map[string]Part{
	"AWS::Lambda::Function": {Rows: []string{
		"painting function: requests", "painting function: warm", "painting function: cold starts",
		"API function: requests", "API function: duration", "sweeps: requests", "sweeps: duration",
	}},
	"AWS::Lambda::EventSourceMapping": {Rows: []string{"mapping: empty receives"}},
	"AWS::Lambda::EventInvokeConfig":  {Free: "a retry is one more invocation and is billed as one"},
	"AWS::Lambda::Permission":         {Free: noPrice},

	"AWS::AutoScaling::AutoScalingGroup": {Rows: []string{"instances: hours", "daemon: empty receives"}},
	"AWS::AutoScaling::ScalingPolicy":    {Free: "its alarms are among the alarms"},
	"AWS::EC2::LaunchTemplate":           {Rows: []string{"instances: disks"}},

	"AWS::SQS::Queue":       {Rows: []string{"queue: messages", "queue: fairness"}},
	"AWS::SQS::QueuePolicy": {Free: noPrice},

	"AWS::EFS::FileSystem": {Rows: []string{
		"file system: storage", "file system: infrequent storage",
		"file system: reads of pictures", "file system: writes of pictures",
		"file system: reads of sweeps", "file system: writes of sweeps",
		"file system: reads of cold starts", "file system: reads of copies",
	}},
	"AWS::EFS::MountTarget": {Free: "there is one in each zone, so no traffic crosses zones"},
	"AWS::EFS::AccessPoint": {Free: noPrice},

	"AWS::DataSync::Task":        {Rows: []string{"copies: transfer"}},
	"AWS::DataSync::LocationEFS": {Free: noPrice},
	"AWS::DataSync::LocationS3":  {Free: noPrice},
	"AWS::S3::Bucket":            {Rows: []string{"bucket: storage", "bucket: writes", "bucket: reads", "egress"}},
	"AWS::S3::BucketPolicy":      {Free: noPrice},

	"AWS::ApiGatewayV2::Api":         {Rows: []string{"gateway: requests"}},
	"AWS::ApiGatewayV2::Integration": {Free: noPrice},
	"AWS::ApiGatewayV2::Route":       {Free: noPrice},
	"AWS::ApiGatewayV2::Stage":       {Free: noPrice},

	"AWS::CloudFront::Distribution":          {Rows: []string{"gallery: transfer", "gallery: requests"}},
	"AWS::CloudFront::Function":              {Rows: []string{"gallery: functions"}},
	"AWS::CloudFront::CachePolicy":           {Free: noPrice},
	"AWS::CloudFront::OriginAccessControl":   {Free: noPrice},
	"AWS::CloudFront::ResponseHeadersPolicy": {Free: noPrice},

	"AWS::Scheduler::Schedule":   {Rows: []string{"sweeps: clock"}},
	"AWS::Events::Rule":          {Free: "events of AWS's own services are free"},
	"AWS::Logs::LogGroup":        {Rows: []string{"logs: ingestion", "logs: storage", "sweeps: log ingestion", "sweeps: log storage", "metrics: jobs", "metrics: sweeps"}},
	"AWS::Logs::ResourcePolicy":  {Free: noPrice},
	"AWS::CloudWatch::Alarm":     {Rows: []string{"alarms"}},
	"AWS::CloudWatch::Dashboard": {Rows: []string{"dashboard"}},
	"AWS::SNS::Topic":            {Free: "a few mails a month about alarms; the first 1,000 are free"},
	"AWS::SNS::TopicPolicy":      {Free: noPrice},
	"AWS::Budgets::Budget":       {Free: "budgets without actions are free"},

	"AWS::EC2::VPC":                         {Free: noPrice},
	"AWS::EC2::VPCCidrBlock":                {Free: noPrice},
	"AWS::EC2::Subnet":                      {Free: noPrice},
	"AWS::EC2::SubnetRouteTableAssociation": {Free: noPrice},
	"AWS::EC2::RouteTable":                  {Free: noPrice},
	"AWS::EC2::Route":                       {Free: noPrice},
	"AWS::EC2::SecurityGroup":               {Free: noPrice},
	"AWS::EC2::EgressOnlyInternetGateway":   {Free: "it has no price, and neither has traffic through it to AWS in the same region"},
	"AWS::EC2::VPCEndpoint":                 {Free: "gateway endpoints have no price, unlike interface endpoints"},
	"AWS::IAM::Role":                        {Free: noPrice},
	"AWS::IAM::ManagedPolicy":               {Free: noPrice},
	"AWS::IAM::InstanceProfile":             {Free: noPrice},
}

const noPrice = "AWS has no price for it"
