package main

import (
	"context"
	"errors"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
)

const queueName = "atelier"

// awsEnv is the file in the stack's folder with the variables for reaching MiniStack.
const awsEnv = "aws.env"

// A stack is the whole pipeline on this machine: MiniStack for AWS, a directory for EFS, and our
// own API and worker as processes or functions.
type stack struct {
	dir   string // contains the shared directory and the logs
	base  string // the API's URL, such as http://127.0.0.1:8080
	parts []*part

	mirror      *mirror // copies published pictures to the bucket
	site        *site   // serves the bucket
	workerReady *notifySocket
	gateway     *gateway  // of the functions' HTTP API; nil without functions
	schedule    *schedule // of the maintenance function; nil without functions
}

// modes lists the programs that --mode runs, in addition to MiniStack.
var modes = map[string][]string{
	"server": {"api-server", "worker-daemon"},
	"lambda": {apiFunction, workerFunction, maintenanceFunction},
	"both":   {"api-server", "worker-daemon", workerFunction},
}

// up starts the parts in the order of their dependencies. After an error no part is running.
func up(ctx context.Context, s settings, dir string, tell func(string, ...any)) (_ *stack, err error) {
	programs := map[string]string{}
	for _, name := range modes[s.Mode] {
		file := name
		if s.Engine == "onnx" && strings.HasPrefix(name, "worker-") {
			file += "-onnx"
		}
		if programs[name], err = sibling(file); err != nil {
			return nil, err
		}
	}
	awsPort, err := ministack.FreePort()
	if err != nil {
		return nil, err
	}
	code, err := functionCode(programs)
	if err != nil {
		return nil, err
	}
	locked := ministack.Lock(awsPort)
	shared, logs := filepath.Join(dir, "shared"), filepath.Join(dir, "logs")
	st := &stack{dir: dir, base: "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port))}
	for _, d := range []string{shared, logs, st.scratch()} {
		if err := os.MkdirAll(d, 0o750); err != nil {
			return nil, err
		}
	}
	defer func() {
		if err != nil {
			st.down()
		}
	}()
	if err := locked.WriteEnv(filepath.Join(dir, awsEnv)); err != nil {
		return nil, err
	}
	if st.mirror, err = newMirror(ctx, locked, shared, logs, tell); err != nil {
		return nil, err
	}
	if st.site, err = startSite(ctx, locked, s.Port, st.mirror.log); err != nil {
		return nil, err
	}
	if st.workerReady, err = listenNotify(); err != nil {
		return nil, err
	}
	program := func(name string, args ...string) func() *exec.Cmd {
		return func() *exec.Cmd {
			cmd := exec.Command(programs[name], args...)
			cmd.Env = append(unset(locked.Environ()), "NOTIFY_SOCKET="+st.workerReady.path(),
				// Suppress TensorFlow's messages; for the other see worker/DESIGN.md, "Memory".
				"TF_CPP_MIN_LOG_LEVEL=2", "MALLOC_ARENA_MAX=2")
			for name, value := range s.more() {
				cmd.Env = append(cmd.Env, name+"="+value)
			}
			return cmd
		}
	}
	if programs[maintenanceFunction] != "" && s.CopyEvery > 0 {
		if st.mirror.copier, err = startCopier(ctx, locked, st.mirror); err != nil {
			return nil, err
		}
	}
	fs := &functions{copier: st.mirror.copier, aws: locked, code: code, shared: shared, model: s.Model, engine: s.Engine, library: s.library(), logs: logs, more: s.more()}
	possible := map[string]*part{
		"api-server": {
			command: program("api-server", "--dir", shared, "--queue", queueName, "--bucket", bucketName, "--listen", st.base[len("http://"):], "--worker-engine", s.Engine),
			ready:   func(ctx context.Context) error { return ministack.WaitReady(ctx, st.base+"/readyz") },
		},
		"worker-daemon": {
			command: program("worker-daemon", "--dir", shared, "--queue", queueName, "--bucket", bucketName, "--model", s.Model),
			ready:   st.workerReady.wait,
		},
	}
	st.parts = []*part{{
		name:  "MiniStack",
		grace: time.Second / 2, // it has no state to save, but would wait three seconds for abandoned polls
		command: func() *exec.Cmd {
			cmd := locked.Command(s.MiniStack)
			cmd.Env = append(unset(cmd.Env), "TMPDIR="+st.scratch()) // where it unpacks the functions, which inherit its environment
			return cmd
		},
		ready: func(ctx context.Context) error {
			if fs.gateway != nil {
				fs.gateway.disconnect()
			}
			if err := prepareQueue(ctx, locked); err != nil {
				return err
			}
			if err := st.mirror.prepare(ctx, locked, st.origins(s.Port)); err != nil {
				return err
			}
			return fs.deploy(ctx)
		},
		lost: func(ctx context.Context) error { return lostQueueOrBucket(ctx, locked) },
	}}
	for _, name := range modes[s.Mode] {
		if p, ok := possible[name]; ok {
			p.name = name
			st.parts = append(st.parts, p)
		}
	}
	if programs[apiFunction] != "" {
		if st.gateway, err = startGateway(st.base[len("http://"):]); err != nil {
			return nil, err
		}
		fs.gateway = st.gateway
	}
	for _, p := range st.parts {
		p.tell, p.log = tell, filepath.Join(logs, p.name+".log")
		if err := p.start(ctx); err != nil {
			return nil, err
		}
	}
	if programs[maintenanceFunction] != "" {
		st.schedule, err = startSchedule(ctx, locked, logs, s.SweepEvery, s.CopyEvery)
	} else if s.CopyEvery > 0 {
		st.mirror.start(ctx, s.CopyEvery)
	}
	return st, err
}

// functionCode returns the content of each function's zip, for the functions among the programs.
func functionCode(programs map[string]string) (code map[string]map[string]string, err error) {
	code = map[string]map[string]string{}
	for _, name := range []string{apiFunction, maintenanceFunction} {
		if program := programs[name]; program != "" {
			code[name] = map[string]string{"bootstrap": program}
		}
	}
	if program := programs[workerFunction]; program != "" {
		decoder, err := sibling("picture-decoder")
		if err != nil {
			return nil, err
		}
		bootstrap, err := sibling("worker-bootstrap")
		if err != nil {
			return nil, err
		}
		code[workerFunction] = map[string]string{"bootstrap": bootstrap, "worker-lambda": program, "picture-decoder": decoder}
	}
	return code, nil
}

// more returns what is added to the environment of programs and functions: what is passed on, and the
// settings for measurements.
func (s *settings) more() map[string]string {
	env := map[string]string{"ATELIER_LEASE": s.Lease, "ATELIER_SWEEP_EVERY": s.SweepEvery}
	maps.DeleteFunc(env, func(_, value string) bool { return value == "" })
	if s.Measured {
		for _, name := range []string{"ATELIER_RATE", "ATELIER_MAX_UNFINISHED", "ATELIER_MAX_STORED", "ATELIER_MAX_DAILY"} {
			env[name] = "0"
		}
		env["ATELIER_LOG_FORMAT"] = "json"
	}
	return env
}

// unset removes the project's settings: those of a developer's shell for a server elsewhere, such as
// ATELIER_KEYS, must not affect this one.
func unset(env []string) []string {
	return slices.DeleteFunc(env, func(kv string) bool { return strings.HasPrefix(kv, "ATELIER_") })
}

// origins returns the origins of the pages that may show the bucket's objects.
func (st *stack) origins(port int) []string {
	return []string{st.base, "http://" + net.JoinHostPort("localhost", strconv.Itoa(port))}
}

// scratch returns a folder for MiniStack's temporary files.
func (st *stack) scratch() string { return filepath.Join(st.dir, "ministack") }

// down ends the parts in the reverse order of their dependencies.
func (st *stack) down() {
	if st.schedule != nil {
		st.schedule.stop()
	}
	if st.mirror != nil {
		st.mirror.stop()
	}
	for i := len(st.parts) - 1; i >= 0; i-- {
		st.parts[i].halt()
	}
	if st.gateway != nil {
		st.gateway.close()
	}
	if st.site != nil {
		st.site.close()
	}
	if st.workerReady != nil {
		_ = st.workerReady.close() // a temporary folder
	}
	_ = os.RemoveAll(st.scratch()) // a temporary folder
	_ = os.Remove(filepath.Join(st.dir, awsEnv))
}

// prepareQueue makes the queue in a MiniStack that was just started, which has no state from before
// a restart.
func prepareQueue(ctx context.Context, locked ministack.Locked) error {
	if err := ministack.WaitReady(ctx, locked.Health()); err != nil {
		return err
	}
	cfg, err := locked.Config(ctx)
	if err != nil {
		return err
	}
	_, err = queue.Create(ctx, cfg, queueName)
	return err
}

// lostQueueOrBucket returns why a running MiniStack can't be used any more: the queue or the bucket is
// missing. A MiniStack that does not respond may only be busy.
func lostQueueOrBucket(ctx context.Context, locked ministack.Locked) error {
	cfg, err := locked.Config(ctx)
	if err == nil {
		_, err = queue.Open(ctx, cfg, queueName)
	}
	if err == nil {
		err = bucket.New(cfg, bucketName).Check(ctx)
	}
	if errors.Is(err, queue.ErrNoQueue) || errors.Is(err, bucket.ErrNoBucket) {
		return err
	}
	return nil
}
