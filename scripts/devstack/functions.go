package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/atelier-go/atelier/scripts/devstack/ministack"
)

// The settings of the functions on AWS that matter here.
const (
	workerTimeout = 60 * time.Second // a sixth of the queue's visibility
	apiTimeout    = 30 * time.Second // the maximum of an HTTP API
	workerMemory  = 3007             // MB
	apiMemory     = 512

	maintenanceTimeout = 5 * time.Minute
	maintenanceMemory  = 512
)

// functions are the parts of the stack that run in MiniStack's Lambda. They are deployed with AWS's
// own API, as in the cloud.
type functions struct {
	aws     ministack.Locked
	code    map[string]map[string]string // for each deployed function: the names in its zip, with the paths of the files
	shared  string
	model   string
	engine  string            // engine of the workers: tensorflow or onnx
	library string            // folder of the engine's library; "" if unknown
	logs    string            // folder
	more    map[string]string // added to each function's environment
	gateway *gateway
	copier  *copier // copies published pictures; nil if no function starts copies
}

// deploy deploys the functions into a MiniStack that was just started, which has no state from
// before a restart. It returns when the functions work.
func (f *functions) deploy(ctx context.Context) error {
	cfg, err := f.aws.Config(ctx)
	if err != nil {
		return err
	}
	client := lambda.NewFromConfig(cfg)
	if err := makeRoles(ctx, cfg); err != nil {
		return err
	}
	deployers := map[string]func(context.Context, *lambda.Client) error{
		workerFunction:      f.deployWorker,
		maintenanceFunction: f.deployMaintenance,
		apiFunction:         func(ctx context.Context, client *lambda.Client) error { return f.deployAPI(ctx, cfg, client) },
	}
	errs := make(chan error, len(f.code))
	for name := range f.code {
		go func() { errs <- deployers[name](ctx, client) }()
	}
	for range f.code {
		err = errors.Join(err, <-errs)
	}
	return err
}

func (f *functions) deployAPI(ctx context.Context, cfg aws.Config, client *lambda.Client) error {
	arn, err := f.create(ctx, client, apiFunction, apiTimeout, apiMemory, map[string]string{"ATELIER_LOCAL": "1", "ATELIER_WORKER_ENGINE": f.engine})
	if err != nil {
		return err
	}
	return f.gateway.connect(ctx, cfg, f.aws, arn)
}

// Functions have the names of their programs.
const (
	apiFunction         = "api-lambda"
	workerFunction      = "worker-lambda"
	maintenanceFunction = "maintenance-lambda"
)

// atOnce returns the number of worker functions that run at once. AWS requires at least two, and
// more than one per core would only slow each other down.
func atOnce() int { return max(2, runtime.GOMAXPROCS(0)) }

func (f *functions) deployWorker(ctx context.Context, client *lambda.Client) error {
	env := map[string]string{
		"ATELIER_MODEL":      f.model,
		"ATELIER_CONCURRENT": "1", // a batch has one message
		"ATELIER_THREADS":    strconv.Itoa(max(1, runtime.GOMAXPROCS(0)/atOnce())),
		// Suppress TensorFlow's messages; for the other see worker/DESIGN.md, "Memory".
		"TF_CPP_MIN_LOG_LEVEL": "2", "MALLOC_ARENA_MAX": "2",
		"ATELIER_READ_AHEAD": f.readAhead(),
	}
	arn, err := f.create(ctx, client, workerFunction, workerTimeout, workerMemory, env)
	if err != nil {
		return err
	}
	// Test invocation with an empty batch, so that a model that doesn't load fails here, instead of
	// in a job that never ends.
	if err := invoke(ctx, client, workerFunction, map[string]any{"Records": []any{}}); err != nil {
		return err
	}
	// This process must not paint the first picture: as on AWS, a new configuration, even with the
	// same values, starts new processes.
	_, err = client.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: aws.String(workerFunction), Timeout: aws.Int32(int32(workerTimeout.Seconds())),
	})
	if err != nil {
		return fmt.Errorf("deploy %s: %w", workerFunction, err)
	}
	_, err = client.CreateEventSourceMapping(ctx, &lambda.CreateEventSourceMappingInput{
		FunctionName:          &arn,
		EventSourceArn:        aws.String(queueARN),
		BatchSize:             aws.Int32(1),
		FunctionResponseTypes: []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures},
		ScalingConfig:         &types.ScalingConfig{MaximumConcurrency: aws.Int32(int32(atOnce()))}, //nolint:gosec // cores
	})
	if err != nil {
		return fmt.Errorf("deploy %s: map the queue: %w", workerFunction, err)
	}
	return nil
}

// deployMaintenance deploys the maintenance function and lets it store the gallery's page, like a
// deployment on AWS.
func (f *functions) deployMaintenance(ctx context.Context, client *lambda.Client) error {
	env := map[string]string{}
	if f.copier != nil {
		env["AWS_ENDPOINT_URL_DATASYNC"], env["ATELIER_DATASYNC_TASK"] = f.copier.address, f.copier.service.Reset()
		env["ATELIER_DATASYNC_ROLE"] = "arn:aws:iam::" + ministack.Account + ":role/datasync" // not used here: the copier has its own credentials
	}
	if _, err := f.create(ctx, client, maintenanceFunction, maintenanceTimeout, maintenanceMemory, env); err != nil {
		return err
	}
	return invoke(ctx, client, maintenanceFunction, map[string]string{"task": "gallery"})
}

// readAhead returns the files that worker-bootstrap reads before the worker starts.
func (f *functions) readAhead() string {
	paths := []string{f.model}
	list := filepath.Join(f.library, "lib", "read-ahead.json")
	if _, err := os.Stat(list); f.library != "" && err == nil { // scripts/setup may not have created it
		paths = append(paths, list)
	}
	return strings.Join(paths, string(filepath.ListSeparator))
}

// create makes a function of a program. env is added to the environment that all functions have.
func (f *functions) create(ctx context.Context, client *lambda.Client, name string, timeout time.Duration, memory int32, env map[string]string) (arn string, err error) {
	code, err := bundle(f.code[name])
	if err != nil {
		return "", fmt.Errorf("deploy %s: %w", name, err)
	}
	env["ATELIER_DIR"], env["ATELIER_QUEUE"], env["ATELIER_BUCKET"] = f.shared, queueName, bucketName
	env["ATELIER_LOG"] = filepath.Join(f.logs, name+".log")
	for k, v := range map[string]string{ // not the credentials of the user or the instance
		"AWS_ENDPOINT_URL": f.aws.Endpoint, "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_EC2_METADATA_DISABLED": "true",
	} {
		env[k] = v
	}
	maps.Copy(env, f.more)
	out, err := client.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: &name, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
		Role:    aws.String("arn:aws:iam::" + ministack.Account + ":role/" + name),
		Code:    &types.FunctionCode{ZipFile: code},
		Timeout: aws.Int32(int32(timeout.Seconds())), MemorySize: &memory, //nolint:gosec // a minute
		Environment: &types.Environment{Variables: env},
	})
	if err != nil {
		return "", fmt.Errorf("deploy %s: %w", name, err)
	}
	active := lambda.NewFunctionActiveV2Waiter(client, func(o *lambda.FunctionActiveV2WaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second
	})
	if err := active.Wait(ctx, &lambda.GetFunctionInput{FunctionName: &name}, readyTimeout); err != nil {
		return "", fmt.Errorf("deploy %s: %w", name, err)
	}
	return aws.ToString(out.FunctionArn), nil
}

// bundle returns a function's code as Lambda requires it: a zip of programs, of which Lambda starts
// the one named bootstrap. programs maps names in the zip to paths.
func bundle(programs map[string]string) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(programs)) {
		errs = append(errs, addProgram(z, name, programs[name]))
	}
	err := errors.Join(append(errs, z.Close())...)
	return b.Bytes(), err
}

func addProgram(z *zip.Writer, name, program string) error {
	file, err := os.Open(program)
	if err != nil {
		return err
	}
	defer file.Close()
	header := &zip.FileHeader{Name: name, Method: zip.Deflate}
	header.SetMode(0o755)
	w, err := z.CreateHeader(header)
	if err == nil {
		_, err = io.Copy(w, file)
	}
	return err
}

// invoke sends an event to a function and waits for its response.
func invoke(ctx context.Context, client *lambda.Client, name string, event any) error {
	payload, err := json.Marshal(event)
	if err != nil {
		return err
	}
	out, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, Payload: payload})
	if err != nil {
		return fmt.Errorf("invoke %s: %w", name, err)
	}
	if out.FunctionError == nil {
		return nil
	}
	var failed struct {
		Message string `json:"errorMessage"`
	}
	if err := json.Unmarshal(out.Payload, &failed); err != nil || failed.Message == "" {
		return fmt.Errorf("%s failed: %.500q", name, out.Payload)
	}
	// If a program ended at its start, payload has all of its output; its own error is the last
	// line.
	lines := strings.Split(strings.TrimSpace(failed.Message), "\n")
	return errors.New(name + " failed: " + strings.TrimPrefix(lines[len(lines)-1], name+": "))
}
