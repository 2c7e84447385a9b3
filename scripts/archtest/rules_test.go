package archtest

import "strings"

// A group is a set of packages, given by import paths. A path that ends with "/..." includes the
// package and everything below it.
type group []string

var (
	aws         = group{"github.com/aws/aws-sdk-go-v2/...", "github.com/aws/smithy-go/..."}
	sqs         = group{"github.com/aws/aws-sdk-go-v2/service/sqs/..."}
	s3          = group{"github.com/aws/aws-sdk-go-v2/service/s3/..."}
	ssm         = group{"github.com/aws/aws-sdk-go-v2/service/ssm/..."}
	datasync    = group{"github.com/aws/aws-sdk-go-v2/service/datasync/..."}
	tensorflow  = group{"github.com/galeone/..."}
	onnxruntime = group{"github.com/yalue/onnxruntime_go/..."}
	engines     = tensorflow.and(onnxruntime...).and(module + "/model/...")
	testTools   = group{
		"testing/...", "net/http/httptest", "go.uber.org/goleak/...",
		"github.com/chromedp/...", "pgregory.net/rapid/...",
		"github.com/rogpeppe/go-internal/testscript/...", "github.com/santhosh-tekuri/...",
	}
	// Packages that stand in for AWS, engines and other programs in tests.
	fakes = in("model/modeltest/...", "model/internal/swatch/...", "pkg/queue/queuefake/...", "pkg/queue/queueserver/...", "pkg/queue/queuetest/...", "pkg/bucket/buckettest/...", "pkg/decoder/decodertest/...", "pkg/lambdatest/...", "pkg/cloudwatch/cloudwatchtest/...", "scripts/devstack/ministack/ministacktest/...", "scripts/devstack/metadatatest/...")
)

func (g group) has(path string) bool {
	for _, p := range g {
		if below, ok := strings.CutSuffix(p, "/..."); ok {
			if path == below || strings.HasPrefix(path, below+"/") {
				return true
			}
		} else if path == p {
			return true
		}
	}
	return false
}

func in(paths ...string) group {
	for i, p := range paths {
		paths[i] = module + "/" + p
	}
	return paths
}

// A rule applies to some packages and, by default, to everything that they link directly or
// indirectly.
type rule struct {
	of      group
	not     group  // packages of the group to which the rule does not apply
	main    bool   // applies only to mains
	library bool   // applies only to other packages
	build   string // applies only to the build with this tag, "default" for none; "" for all builds
	direct  bool   // checks only the direct imports
	allowed group  // if set, only these and the standard library are allowed
	denied  group
	reason  string
}

var rules = []rule{
	{
		of: in("pkg/formats"), allowed: in("pkg/formats"),
		reason: "the list of picture formats is a leaf: only the standard library is allowed",
	},
	{
		of: in("pkg/job"), allowed: in("pkg/job", "pkg/formats").and("github.com/google/uuid"),
		reason: "both sides of the queue link this package, so it may import only the standard library, uuid and pkg/formats",
	},
	{
		of: in("pkg/style"), allowed: in("pkg/style", "pkg/job", "pkg/formats").and("github.com/google/uuid"),
		reason: "the catalogue of styles is a leaf: it may import only the standard library, uuid, pkg/job and pkg/formats",
	},
	{
		of: in("pkg/prices"), allowed: in("pkg/prices"),
		reason: "AWS's prices are data that a function reads at its start: only the standard library is allowed",
	},
	{
		of: in("scripts/comparison/cost"), allowed: in("scripts/comparison/cost", "pkg/prices"),
		reason: "the cost model only calculates: it may not measure, simulate or call AWS",
	},
	{
		of: in("pkg/awshttp"), allowed: in("pkg/awshttp"),
		reason: "it corrects requests and is a leaf shared by pkg/queue, pkg/bucket and pkg/datasync: only the standard library is allowed",
	},
	{
		of: in("pkg/logs", "pkg/cloudwatch"), allowed: in("pkg/logs", "pkg/cloudwatch"),
		reason: "logs and metrics are leaves for all programs: only the standard library is allowed",
	},
	{
		of: in("pkg/engines"), allowed: in("pkg/engines", "pkg/job", "pkg/formats").and("github.com/google/uuid"),
		reason: "the catalogue of engines is linked by the API, which links no engine: it may import only the standard library, uuid, pkg/job and pkg/formats",
	},
	{
		of: in("pkg/uploads"), denied: in("pkg/store/...", "pkg/imageio/...", "pkg/queue/...", "pkg/gallery/...", "pkg/sweeper/...", "pkg/datasync/...", "api/...", "worker/...", "model/...", "submitter/..."),
		reason: "siblings don't import each other: mains wire them together; of the project it may import only pkg/bucket and pkg/job",
	},
	{
		of: in("pkg/readahead"), allowed: in("pkg/readahead").and("golang.org/x/sys/..."),
		reason: "it is linked by worker-bootstrap: only the standard library and x/sys are allowed",
	},
	{
		of: in("worker/cmd/worker-bootstrap"), allowed: in("worker/cmd/worker-bootstrap", "pkg/readahead").and("golang.org/x/sys/..."), denied: group{"net/http/...", "C"},
		reason: "worker-bootstrap is small and static, so that it starts fast",
	},
	{
		of: in("pkg/store/..."), denied: in("pkg/imageio/...", "pkg/queue/...", "pkg/bucket/...", "pkg/gallery/...", "api/...", "worker/...", "model/...", "submitter/..."),
		reason: "pkg/store handles files; of the project it may import only pkg/job",
	},
	{
		of: in("pkg/imageio/..."), denied: in("pkg/store/...", "pkg/queue/...", "pkg/bucket/...", "pkg/gallery/...", "api/...", "worker/...", "model/...", "submitter/..."),
		reason: "pkg/imageio handles pixels; of the project it may import only pkg/job and pkg/formats",
	},
	{
		of: in("pkg/decoder/..."), not: in("pkg/decoder/decodertest/..."), denied: in("pkg/store/...", "pkg/queue/...", "pkg/bucket/...", "pkg/gallery/...", "api/...", "worker/...", "model/...", "submitter/...").and(aws...),
		reason: "pkg/decoder runs decoder processes; of the project it may import only pkg/imageio and pkg/job",
	},
	{
		of: in("worker/cmd/picture-decoder"), denied: group{"net/http/...", "crypto/tls/...", "C"}.and(aws...),
		reason: "the program that decodes hostile pictures is small and static, and communicates only with its worker",
	},
	{
		of: in("pkg/queue/..."), denied: in("pkg/store/...", "pkg/imageio/...", "pkg/bucket/...", "pkg/gallery/...", "api/...", "worker/...", "model/...", "submitter/..."),
		reason: "siblings don't import each other: mains wire them together",
	},
	{
		of: in("pkg/bucket/..."), denied: in("pkg/store/...", "pkg/imageio/...", "pkg/queue/...", "api/...", "worker/...", "model/...", "submitter/..."),
		reason: "siblings don't import each other: pkg/gallery and mains wire them together",
	},
	{
		of: in("pkg/gallery/..."), denied: in("pkg/imageio/...", "pkg/queue/...", "api/...", "worker/...", "model/...", "submitter/..."),
		reason: "pkg/gallery writes the store's public jobs to the bucket; of the project it may import only pkg/store, pkg/bucket and pkg/job",
	},
	{
		of: in("pkg/datasync/..."), denied: in("pkg/imageio/...", "pkg/queue/...", "pkg/gallery/...", "pkg/sweeper/...", "api/...", "worker/...", "model/...", "submitter/..."),
		reason: "pkg/datasync copies the store's pictures to the bucket; of the project it may import only pkg/store, pkg/bucket, pkg/job and pkg/awshttp",
	},
	{
		of: in("pkg/commandline"), allowed: in("pkg/commandline").and("github.com/alecthomas/kong/..."),
		reason: "every main links the groups of flags: mains convert them to the configurations of other packages",
	},
	{
		of: in("..."), not: in("pkg/commandline"), library: true, direct: true, denied: in("pkg/commandline").and("github.com/alecthomas/kong/..."),
		reason: "flags are for mains: libraries get plain configurations",
	},
	{
		of: in("..."), not: in("pkg/wiring/...", "worker/cmd/internal/painter"), library: true, direct: true, denied: in("pkg/wiring/..."),
		reason: "pkg/wiring opens what mains share: libraries get what is open",
	},
	{
		of: in("pkg/wiring", "worker/cmd/worker-lambda"), denied: s3,
		reason: "programs without a bucket don't link S3: those with one use pkg/wiring/withbucket",
	},
	{
		of: in("worker/cmd/maintenance-lambda"), denied: engines,
		reason: "the function that sweeps every minute is small and static, so that it starts fast; TestStatic checks that it links no C",
	},
	{
		of: in("pkg/sweeper/..."), denied: in("pkg/queue/...", "pkg/imageio/...", "pkg/bucket/...", "pkg/gallery/...", "api/...", "worker/...", "model/...", "submitter/..."),
		reason: "siblings don't import each other: mains wire them together",
	},
	{
		of: in("model/..."), denied: in("pkg/queue/...", "pkg/bucket/...", "pkg/gallery/...", "api/...", "worker/...", "submitter/..."),
		reason: "siblings don't import each other: mains wire them together",
	},
	{
		of: in("api/..."), not: in("api/cmd/..."), denied: in("pkg/queue/...", "pkg/bucket/...", "pkg/gallery/...", "worker/...", "model/...", "submitter/..."),
		reason: "siblings don't import each other: api declares the interfaces that it calls, and its mains wire them",
	},
	{
		of: in("worker/..."), not: in("worker/cmd/..."), denied: in("pkg/queue/...", "pkg/bucket/...", "pkg/gallery/...", "api/...", "model/...", "submitter/..."),
		reason: "siblings don't import each other: worker declares the interfaces that it calls, and its mains wire them",
	},
	{
		of: in("api/...", "worker/..."), not: in("api/cmd/...", "worker/cmd/..."), denied: aws,
		reason: "api and worker handle jobs; only pkg/queue, pkg/bucket and the mains use AWS",
	},
	{
		of: in("..."), not: in("pkg/queue/..."), direct: true, denied: sqs,
		reason: "only pkg/queue imports SQS",
	},
	{
		of: in("..."), not: in("pkg/bucket/..."), direct: true, denied: s3,
		reason: "only pkg/bucket imports S3",
	},
	{
		of: in("..."), denied: ssm,
		reason: "pkg/parameter does not use SSM's client, which adds some milliseconds and 4.5 MB to every cold start",
	},
	{
		of: in("pkg/parameter", "pkg/awsconfig"), denied: in("pkg/store/...", "pkg/queue/...", "pkg/imageio/...", "pkg/bucket/...", "pkg/gallery/...", "api/...", "worker/...", "model/...", "submitter/..."),
		reason: "siblings don't import each other: mains wire them together",
	},
	{
		of: in("..."), not: in("pkg/datasync/..."), direct: true, denied: datasync,
		reason: "only pkg/datasync imports DataSync",
	},
	{
		of: in("api/...", "submitter/...", "pkg/..."), denied: engines,
		reason: "only worker mains and scripts link an engine: the api starts fast and runs without the engines' libraries",
	},
	{
		of: in("worker/..."), not: in("worker/cmd/..."), denied: engines,
		reason: "worker uses the interface Stylizer; its mains choose the engine",
	},
	{
		of: in("worker/..."), build: "default", denied: onnxruntime,
		reason: "a worker links one engine, TensorFlow without -tags onnx",
	},
	{
		of: in("worker/..."), build: "onnx", denied: tensorflow,
		reason: "a worker links one engine, ONNX Runtime with -tags onnx, so that it starts fast",
	},
	{
		of: in("model", "model/internal/..."), denied: tensorflow.and(onnxruntime...).and("C"),
		reason: "the packages shared by the engines link neither an engine nor C",
	},
	{
		of: in("..."), not: in("model/tensorflow", "scripts/measure/yardstick", "scripts/measure/magenta/..."), direct: true, denied: tensorflow,
		reason: "only model/tensorflow and a package for benchmarks import TensorFlow",
	},
	{
		of: in("..."), not: in("model/onnx"), direct: true, denied: onnxruntime,
		reason: "only model/onnx imports ONNX Runtime",
	},
	{
		of: in("submitter/..."), denied: aws.and(in("pkg/store/...", "pkg/queue/...", "pkg/bucket/...", "pkg/gallery/...", "api/...", "worker/...")...),
		reason: "the submitter uses the api over HTTP, never AWS or the shared directory",
	},
	{
		of: in("submitter/escape"), allowed: in("submitter/escape"),
		reason: "escaping is a leaf, which client and terminal share: the standard library only",
	},
	{
		of: in("submitter/picture"), allowed: in("submitter/picture", "pkg/formats"),
		reason: "picture files are a leaf, which client and batch share: the standard library and pkg/formats only",
	},
	{
		of: in("submitter/client"), allowed: in("submitter/client", "submitter/escape", "submitter/picture", "pkg/formats", "pkg/job").and("github.com/google/uuid"),
		reason: "the client is a library for any program: it imports neither batch nor terminal, and of other modules uuid only",
	},
	{
		of: in("submitter/batch"), denied: in("submitter/terminal").and("github.com/alecthomas/kong/...", "github.com/vbauerster/mpb/..."),
		reason: "batch reports to its caller, and main shows it: it imports client, but neither terminal nor flags",
	},
	{
		of: in("submitter/terminal"), denied: in("submitter/client", "submitter/batch", "submitter/picture", "pkg/job"),
		reason: "terminal shows text, whatever it is about: main wires it to client and batch",
	},
	{
		of: in("api/...", "worker/...", "submitter/..."), main: true, denied: testTools,
		reason: "no production program links packages for tests",
	},
	{
		// Benchmarks in scripts may use them.
		of: in("api/...", "worker/...", "submitter/...", "model/...", "pkg/...", "scripts/devstack"), not: fakes, denied: fakes,
		reason: "test fakes are only for tests and benchmarks: programs use an emulator over the network, like AWS",
	},
	{
		of: in("api/...", "worker/...", "submitter/..."), main: true, denied: in("scripts/..."),
		reason: "no production program links the local stack: emulators are used over the network",
	},
	{
		of: in("..."), not: in("api/cmd/api-lambda", "worker/cmd/worker-lambda", "worker/cmd/maintenance-lambda"), denied: group{"github.com/aws/aws-lambda-go/lambda/..."},
		reason: "only the functions' mains link Lambda's runtime",
	},
	{
		of: in("..."), not: in("api/cmd/api-lambda"), denied: group{"github.com/awslabs/aws-lambda-go-api-proxy/..."},
		reason: "the api is an http.Handler; only its function's main depends on API Gateway",
	},
	{
		of: in("..."), denied: group{"github.com/ebitengine/purego/..."},
		reason: "image codecs run sandboxed, never from a library of the system: build with -tags nodynamic",
	},
}

func (g group) and(more ...string) group { return append(append(group{}, g...), more...) }
