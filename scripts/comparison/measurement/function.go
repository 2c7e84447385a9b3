package measurement

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/style"
	"github.com/atelier-go/atelier/scripts/comparison/measurement/runtimeapi"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
	"github.com/atelier-go/atelier/scripts/measure/cgroup"
	"github.com/atelier-go/atelier/scripts/measure/photograph"
)

// functionLog is the name of the function's log in its folder.
const functionLog = "function.log"

// functionTimeout is the timeout of the deployed function.
const functionTimeout = time.Minute

// A function is the worker function in a host of package runtimeapi, with its own store of jobs.
type function struct {
	v      Variant
	photos [][]byte
	store  *store.Store
	host   *runtimeapi.Host
	group  *cgroup.Group // nil where the processors are not limited
	log    string
	n      int // photographs used so far
}

// function prepares the worker function. Its processes start with the first pictures.
func (p Programs) function(v Variant) (_ *function, err error) {
	dir, err := p.folder(v.System)
	if err != nil {
		return nil, err
	}
	f := &function{v: v, log: filepath.Join(dir, functionLog)}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.close())
		}
	}()
	if f.photos, err = photograph.All(p.Samples, v.Size, v.Size); err != nil {
		return nil, err
	}
	shared := filepath.Join(dir, "shared")
	if p.mount != "" {
		shared = filepath.Join(p.mount, "jobs")
	}
	if f.store, err = store.Open(store.Config{Dir: shared}); err != nil {
		return nil, err
	}
	if v.PeriodMS > 0 {
		f.group, err = cgroup.New(p.Cgroup, cgroup.Share{Memory: int64(v.MemoryMB) << 20, CPUs: v.CPUs(), Period: time.Duration(v.PeriodMS) * time.Millisecond})
		if none := new(cgroup.UnavailableError); errors.As(err, &none) {
			return nil, &UnavailableError{none.Error()}
		}
		if err != nil {
			return nil, err
		}
	}
	program := p.program("worker-lambda", v.Engine)
	if _, err := os.Stat(program); err != nil {
		return nil, fmt.Errorf("%s is not built: run scripts/setup", program)
	}
	concurrency := max(1, v.Concurrency)
	const nowhere = "http://127.0.0.1:9" // AWS is not called, because no job is given back
	env := append(withoutSettings(ministack.Environ(nowhere)),
		"ATELIER_DIR="+shared, "ATELIER_MODEL="+p.Model, "ATELIER_QUEUE="+nowhere+"/"+ministack.Account+"/none",
		"ATELIER_THREADS="+strconv.Itoa(v.Threads), "ATELIER_CONCURRENT="+strconv.Itoa(concurrency),
		"TF_CPP_MIN_LOG_LEVEL=2", "MALLOC_ARENA_MAX=2") // as deployed
	command := []string{program}
	if p.mount != "" {
		library := filepath.Join(p.mount, "library")
		env = append(env, "LD_LIBRARY_PATH="+library)
		if v.ReadAhead {
			command = []string{filepath.Join(p.Bin, "worker-bootstrap"), program}
			env = append(env, "ATELIER_READ_AHEAD="+filepath.Join(library, "read-ahead.json")+":"+p.Model)
		}
	}
	f.host, err = runtimeapi.New(runtimeapi.Config{
		Command: func() (*exec.Cmd, error) {
			cmd := exec.Command(command[0], command[1:]...)
			cmd.Env = env
			if f.group != nil {
				f.group.Add(cmd)
			}
			return cmd, nil
		},
		Concurrency: concurrency, Environments: max(1, v.Environments), MemoryMB: v.MemoryMB, Timeout: functionTimeout, Log: f.log,
		Idle: time.Duration(v.IdleS) * time.Second,
	})
	return f, err
}

// withoutSettings removes the project's own settings, which a developer's shell has for other
// programs.
func withoutSettings(env []string) []string {
	return slices.DeleteFunc(env, func(kv string) bool { return strings.HasPrefix(kv, "ATELIER_") })
}

// close ends the processes.
func (f *function) close() (err error) {
	if f.host != nil {
		f.host.Close()
	}
	if f.group != nil {
		err = f.group.Close()
	}
	if f.store != nil {
		err = errors.Join(err, f.store.Close())
	}
	return err
}

// next returns one of the photographs in turn.
func (f *function) next() []byte {
	f.n++
	return f.photos[(f.n-1)%len(f.photos)]
}

// submit stores a job for a photograph durably, and returns its event.
func (f *function) submit(photo []byte) (id job.ID, event []byte, err error) {
	info, err := imageio.Inspect(photo, imageio.DefaultLimits())
	if err != nil {
		return "", nil, err
	}
	if id, err = job.NewID(); err != nil {
		return "", nil, err
	}
	spec := job.Spec{
		ID: id, Style: style.Names()[0], Strength: 1, Size: f.v.Size, Format: "jpeg", Quality: 90, CreatedAt: time.Now(),
		Input: job.Input{Format: info.Format, Width: info.Width, Height: info.Height},
	}
	if err := f.store.Create(&spec, photo, nil); err != nil {
		return "", nil, err
	}
	event, err = json.Marshal(events.SQSEvent{Records: []events.SQSMessage{{
		EventSource: "aws:sqs", MessageId: string(id), ReceiptHandle: "none", Body: job.Message{Job: id, Run: 1}.Encode(),
		Attributes: map[string]string{"ApproximateReceiveCount": "1"},
	}}})
	return id, event, err
}

// paint paints a photograph with the function. The returned job lacks what is in the worker's log.
func (f *function) paint(ctx context.Context, photo []byte) (j Job, err error) {
	id, event, err := f.submit(photo)
	if err != nil {
		return j, err
	}
	i, err := f.host.Invoke(ctx, event)
	if err != nil {
		return j, err
	}
	var partial events.SQSEventResponse
	if err := json.Unmarshal(i.Response, &partial); err != nil || len(partial.BatchItemFailures) > 0 {
		return j, fmt.Errorf("the function gave the job back: %s; see %s", i.Response, f.log)
	}
	return Job{ID: string(id), Cold: i.Cold, Start: i.Start.Seconds(), Billed: i.Billed().Seconds(), Waited: i.Waited.Seconds()}, nil
}
