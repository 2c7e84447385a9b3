// Package archtest holds the rules of who may import whom, as tests, so that the
// layers stay what CONTRIBUTING.md says they are. It needs go and no C library.
package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/atelier-go/atelier"

// A group is a set of packages, named by import path. A path with "/..." at its
// end means the package and everything below it.
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
	// What stands in for AWS in tests.
	fakes = in("model/modeltest/...", "model/internal/swatch/...", "pkg/queue/queuefake/...", "pkg/queue/queuetest/...", "pkg/queue/elasticmqtest/...", "pkg/bucket/buckettest/...", "pkg/decoder/decodertest/...", "pkg/lambdatest/...", "pkg/emf/emftest/...", "scripts/devstack/ministack/ministacktest/...", "scripts/devstack/metadatatest/...")
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

// A rule speaks of some packages and, by default, of everything they link,
// however indirectly.
type rule struct {
	of      group
	not     group  // packages of the group that the rule leaves out
	main    bool   // only mains
	build   string // only the build with this tag, "default" for the one without; else each
	direct  bool   // only what the package's own files import
	allowed group  // if set, nothing else may be there but the standard library
	denied  group
	reason  string
}

var rules = []rule{
	{
		of: in("pkg/job"), allowed: in("pkg/job").and("github.com/google/uuid"),
		reason: "what both sides of the queue agree on must not drag anything along: the standard library and uuid only",
	},
	{
		of: in("pkg/style"), allowed: in("pkg/style", "pkg/job").and("github.com/google/uuid"),
		reason: "the catalogue of styles is a leaf: the standard library, uuid and pkg/job only",
	},
	{
		of: in("pkg/prices"), allowed: in("pkg/prices"),
		reason: "AWS's prices are data, which a function's start reads: the standard library only",
	},
	{
		of: in("scripts/comparison/cost"), allowed: in("scripts/comparison/cost", "pkg/prices"),
		reason: "the cost model is reckoning, without anything that is measured, simulated or asked of AWS",
	},
	{
		of: in("pkg/awshttp"), allowed: in("pkg/awshttp"),
		reason: "it mends requests on their way and is a leaf, which pkg/queue and pkg/bucket share: the standard library only",
	},
	{
		of: in("pkg/readahead"), allowed: in("pkg/readahead").and("golang.org/x/sys/..."),
		reason: "it is linked by what starts before the worker: the standard library and x/sys only",
	},
	{
		of: in("worker/cmd/worker-bootstrap"), allowed: in("worker/cmd/worker-bootstrap", "pkg/readahead").and("golang.org/x/sys/..."), denied: group{"net/http/...", "C"},
		reason: "what starts before the worker is small and static, so that it starts at once",
	},
	{
		of: in("pkg/store/..."), denied: in("pkg/imageio/...", "pkg/queue/...", "pkg/bucket/...", "pkg/gallery/...", "api/...", "worker/...", "model/...", "submitter/..."),
		reason: "pkg/store knows files; of the project it may import pkg/job and pkg/style",
	},
	{
		of: in("pkg/imageio/..."), denied: in("pkg/store/...", "pkg/queue/...", "pkg/bucket/...", "pkg/gallery/...", "api/...", "worker/...", "model/...", "submitter/..."),
		reason: "pkg/imageio knows pixels; of the project it may import pkg/job and pkg/style",
	},
	{
		of: in("pkg/decoder/..."), not: in("pkg/decoder/decodertest/..."), denied: in("pkg/store/...", "pkg/queue/...", "pkg/bucket/...", "pkg/gallery/...", "api/...", "worker/...", "model/...", "submitter/...").and(aws...),
		reason: "pkg/decoder has pictures decoded; of the project it may import pkg/imageio and pkg/job",
	},
	{
		of: in("worker/cmd/picture-decoder"), denied: group{"net/http/...", "crypto/tls/...", "C"}.and(aws...),
		reason: "what decodes hostile pictures is small, static, and speaks to its worker alone",
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
		reason: "pkg/gallery shows in the bucket what the store knows; of the project it may import pkg/store, pkg/bucket and pkg/job",
	},
	{
		of: in("pkg/datasync/..."), denied: in("pkg/imageio/...", "pkg/queue/...", "pkg/gallery/...", "pkg/sweeper/...", "api/...", "worker/...", "model/...", "submitter/..."),
		reason: "pkg/datasync has the store's pictures copied to the bucket; of the project it may import pkg/store, pkg/bucket and pkg/awshttp",
	},
	{
		of: in("worker/cmd/maintenance-lambda"), denied: engines,
		reason: "what sweeps every minute is small and static, so that it starts at once; TestStatic holds it to no C",
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
		reason: "api and worker speak of jobs; pkg/queue, pkg/bucket and the mains speak AWS",
	},
	{
		of: in("..."), not: in("pkg/queue/..."), direct: true, denied: sqs,
		reason: "pkg/queue is the only import of SQS",
	},
	{
		of: in("..."), not: in("pkg/bucket/..."), direct: true, denied: s3,
		reason: "pkg/bucket is the only import of S3",
	},
	{
		of: in("..."), denied: ssm,
		reason: "pkg/parameter does without SSM's client, which costs every cold start some milliseconds and 4.5 MB",
	},
	{
		of: in("pkg/parameter", "pkg/awsconfig"), denied: in("pkg/store/...", "pkg/queue/...", "pkg/imageio/...", "pkg/bucket/...", "pkg/gallery/...", "api/...", "worker/...", "model/...", "submitter/..."),
		reason: "siblings don't import each other: mains wire them together",
	},
	{
		of: in("..."), not: in("pkg/datasync/..."), direct: true, denied: datasync,
		reason: "pkg/datasync is the only import of DataSync",
	},
	{
		of: in("api/...", "submitter/...", "pkg/..."), denied: engines,
		reason: "only worker mains and scripts link an engine: the api starts in no time and runs where the library is not",
	},
	{
		of: in("worker/..."), not: in("worker/cmd/..."), denied: engines,
		reason: "worker calls a Stylizer; its mains choose the engine",
	},
	{
		of: in("worker/..."), build: "default", denied: onnxruntime,
		reason: "a worker links one engine, TensorFlow without -tags onnx",
	},
	{
		of: in("worker/..."), build: "onnx", denied: tensorflow,
		reason: "a worker links one engine, ONNX Runtime with -tags onnx: it is there to start fast",
	},
	{
		of: in("model", "model/internal/..."), denied: tensorflow.and(onnxruntime...).and("C"),
		reason: "what the engines share links none of them, and no C",
	},
	{
		of: in("..."), not: in("model/tensorflow", "scripts/measure/yardstick", "scripts/measure/magenta/..."), direct: true, denied: tensorflow,
		reason: "model/tensorflow is the only import of TensorFlow, beside what benchmarks measure it by",
	},
	{
		of: in("..."), not: in("model/onnx"), direct: true, denied: onnxruntime,
		reason: "model/onnx is the only import of ONNX Runtime",
	},
	{
		of: in("submitter/..."), denied: aws.and(in("pkg/store/...", "pkg/queue/...", "pkg/bucket/...", "pkg/gallery/...", "api/...", "worker/...")...),
		reason: "the submitter speaks HTTP to the api, never to AWS or the shared directory",
	},
	{
		of: in("submitter/escape"), allowed: in("submitter/escape"),
		reason: "escaping is a leaf, which client and terminal share: the standard library only",
	},
	{
		of: in("submitter/picture"), allowed: in("submitter/picture"),
		reason: "picture files are a leaf, which client and batch share: the standard library only",
	},
	{
		of: in("submitter/client"), allowed: in("submitter/client", "submitter/escape", "submitter/picture", "pkg/job").and("github.com/google/uuid"),
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
		reason: "no production program links what is for tests",
	},
	{
		// Benchmarks, in scripts, may.
		of: in("api/...", "worker/...", "submitter/...", "model/...", "pkg/...", "scripts/devstack"), not: fakes, denied: fakes,
		reason: "a test fake is for tests and benchmarks: programs reach an emulator across the wire, as they reach AWS",
	},
	{
		of: in("api/...", "worker/...", "submitter/..."), main: true, denied: in("scripts/..."),
		reason: "no production program links the local stack: emulators sit across the wire",
	},
	{
		of: in("..."), not: in("api/cmd/api-lambda", "worker/cmd/worker-lambda", "worker/cmd/maintenance-lambda"), denied: group{"github.com/aws/aws-lambda-go/lambda/..."},
		reason: "only the functions' mains link Lambda's runtime",
	},
	{
		of: in("..."), not: in("api/cmd/api-lambda"), denied: group{"github.com/awslabs/aws-lambda-go-api-proxy/..."},
		reason: "the api is an http.Handler; only its function's main knows of API Gateway",
	},
	{
		of: in("..."), denied: group{"github.com/ebitengine/purego/..."},
		reason: "image codecs run sandboxed, never out of a library that the system happens to have: build with -tags nodynamic",
	},
}

func (g group) and(more ...string) group { return append(append(group{}, g...), more...) }

// A goPackage is what go list tells of one package.
type goPackage struct {
	ImportPath string
	Name       string
	Standard   bool
	Imports    []string
	Deps       []string
}

func TestImports(t *testing.T) {
	for _, build := range []string{"default", "onnx"} {
		t.Run(build, func(t *testing.T) {
			packages := list(t, build)
			t.Run("nobody imports what they may not", func(t *testing.T) { testRules(t, build, packages) })
			t.Run("rules name what exists", func(t *testing.T) { testFolders(t, packages) })
			t.Run("codecs are sandboxed", func(t *testing.T) { testCodecs(t, packages) })
		})
	}
}

func testRules(t *testing.T, build string, packages map[string]goPackage) {
	for _, r := range rules {
		if r.build != "" && r.build != build {
			continue
		}
		for path, p := range packages {
			if r.of.has(path) && !r.not.has(path) && (!r.main || p.Name == "main") {
				check(t, r, p, packages)
			}
		}
	}
}

func check(t *testing.T, r rule, p goPackage, all map[string]goPackage) {
	t.Helper()
	imports := p.Deps
	if r.direct {
		imports = p.Imports
	}
	for _, path := range imports {
		if r.denied.has(path) || r.allowed != nil && !r.allowed.has(path) && !fromGo(path, all) {
			t.Errorf("%s imports %s\n\tby way of: %s\n\t%s", p.ImportPath, path, strings.Join(chain(p, path, all), " -> "), r.reason)
			return // the first is enough: the others usually come along with it
		}
	}
}

// fromGo says whether a path is of the standard library ("C" and vendored
// packages of the standard library among them).
func fromGo(path string, all map[string]goPackage) bool {
	return path == "C" || all[path].Standard
}

// chain is a shortest way from a package to one that it links.
func chain(from goPackage, to string, all map[string]goPackage) []string {
	cameFrom := map[string]string{from.ImportPath: ""}
	for queue := []string{from.ImportPath}; len(queue) > 0; queue = queue[1:] {
		if queue[0] == to {
			var way []string
			for at := to; at != ""; at = cameFrom[at] {
				way = append([]string{at}, way...)
			}
			return way
		}
		for _, next := range all[queue[0]].Imports {
			if _, seen := cameFrom[next]; !seen {
				cameFrom[next] = queue[0]
				queue = append(queue, next)
			}
		}
	}
	return []string{from.ImportPath, "...", to}
}

// A mistyped path in a rule would let everything through: each must name a
// folder, unless that part of the project isn't there yet.
func testFolders(t *testing.T, packages map[string]goPackage) {
	root := filepath.Join("..", "..")
	for _, folder := range []string{"api", "model", "model/onnx", "model/tensorflow", "pkg/bucket", "pkg/bucket/buckettest", "pkg/datasync", "pkg/gallery", "pkg/imageio", "pkg/job", "pkg/queue", "pkg/queue/queuefake", "pkg/queue/queuetest", "pkg/queue/elasticmqtest", "pkg/store", "pkg/style", "submitter", "submitter/batch", "submitter/client", "submitter/escape", "submitter/picture", "submitter/terminal", "worker"} {
		found, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 {
			t.Logf("%s has no Go files: nothing was checked of it", folder)
			continue
		}
		if _, ok := packages[module+"/"+folder]; !ok {
			t.Errorf("go list does not know %s/%s, of which the rules speak", module, folder)
		}
	}
}

// Without nodynamic the codecs load a system's library through purego.
func testCodecs(t *testing.T, packages map[string]goPackage) {
	for path, p := range packages {
		if !strings.HasPrefix(path, "github.com/gen2brain/") {
			continue
		}
		for _, i := range p.Imports {
			if strings.Contains(i, "purego") {
				t.Errorf("%s imports %s: GOFLAGS lacks -tags=nodynamic", path, i)
			}
		}
	}
}

func TestRuleMatching(t *testing.T) {
	g := group{"a/b", "c/..."}
	for path, want := range map[string]bool{"a/b": true, "a/b/x": false, "c": true, "c/d/e": true, "cd": false, "": false} {
		if got := g.has(path); got != want {
			t.Errorf("has(%q): got %v, want %v", path, got, want)
		}
	}
}

// list is every package of the module and what they link, as built for use:
// without the tests.
func list(t *testing.T, build string) map[string]goPackage {
	t.Helper()
	// GOFLAGS as scripts/env sets it, not a -tags here: whether it is in force is part of the test.
	flags := os.Getenv("GOFLAGS")
	if build != "default" {
		flags = strings.Replace(flags, "-tags=", "-tags="+build+",", 1)
	}
	command := exec.Command("go", "list", "-deps", "-e",
		"-json=ImportPath,Name,Standard,Imports,Deps", "./...")
	command.Dir = filepath.Join("..", "..")
	command.Env = append(os.Environ(), "CGO_ENABLED=1", "GOFLAGS="+flags)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	packages := map[string]goPackage{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		packages[p.ImportPath] = p
	}
}
