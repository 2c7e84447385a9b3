//go:build linux

package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/scripts/comparison/measurement/runtimeapi"
)

const functionProgram = "worker-lambda-onnx"

// A mapping invokes the worker function with the queue's messages, like an event source mapping with partial batch
// responses. Messages that the response does not name as failed are deleted. The others, and all messages after an
// error, are delivered again when their visibility ends.
type mapping struct {
	*stack
	host *runtimeapi.Host
	stop context.CancelFunc
	done sync.WaitGroup
}

// newMapping starts a mapping with as many environments as the settings say. The caller closes it.
func newMapping(s *stack) (*mapping, error) {
	env := append(s.env(), "ATELIER_DIR="+s.view(functionProgram), "ATELIER_QUEUE="+queueName, "ATELIER_MODEL="+s.model, "ATELIER_ONNXRUNTIME="+s.library,
		"ATELIER_LEASE="+lease.String(), "ATELIER_CONCURRENT=2")
	host, err := runtimeapi.New(runtimeapi.Config{
		Command: func() (*exec.Cmd, error) {
			cmd := exec.Command(filepath.Join(s.bin, functionProgram)) //nolint:gosec // one of ours
			cmd.Env = append(env, s.functionEnv...)
			return cmd, nil
		},
		Concurrency: 1, Environments: s.functions, MemoryMB: 2048, Timeout: s.functionTimeout, Log: s.log.Name(),
	})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	m := &mapping{stack: s, host: host, stop: stop}
	for range s.functions {
		m.done.Go(func() { m.poll(ctx) })
	}
	return m, nil
}

// close ends the functions. It may be called twice.
func (m *mapping) close() {
	m.stop()
	m.host.Close()
	m.done.Wait()
}

func (m *mapping) poll(ctx context.Context) {
	const batch = 10
	for ctx.Err() == nil {
		ds, err := m.queue.Receive(ctx, batch, time.Second, 6*m.functionTimeout)
		if err != nil || len(ds) == 0 {
			_ = pause(ctx, 10*time.Millisecond)
			continue
		}
		m.invoke(ctx, ds)
	}
}

// invoke invokes the function with a batch, and deletes the messages that have not failed.
func (m *mapping) invoke(ctx context.Context, ds []job.Delivery) {
	var e events.SQSEvent
	for _, d := range ds {
		e.Records = append(e.Records, events.SQSMessage{
			EventSource: "aws:sqs", MessageId: d.ID, ReceiptHandle: d.Handle, Body: d.Body,
			Attributes: map[string]string{"ApproximateReceiveCount": strconv.Itoa(d.Received)},
		})
	}
	payload, err := json.Marshal(e)
	if err != nil {
		return
	}
	i, err := m.host.Invoke(ctx, payload)
	var partial events.SQSEventResponse
	if err != nil || json.Unmarshal(i.Response, &partial) != nil {
		return // they are delivered again
	}
	failed := map[string]bool{}
	for _, f := range partial.BatchItemFailures {
		failed[f.ItemIdentifier] = true
	}
	for _, d := range ds {
		if !failed[d.ID] {
			_ = m.queue.Delete(ctx, d) // if this fails, it is delivered again
		}
	}
}

// killFunction kills one of the function's processes, and returns whether there was one.
func (t *trial) killFunction() bool {
	pids := functionProcesses()
	return len(pids) > 0 && syscall.Kill(one(t.chance, pids), syscall.SIGKILL) == nil
}

// functionProcesses returns the process ids of this program's children that run the function.
func functionProcesses() (pids []int) {
	for _, r := range processTable() {
		if r.parent == os.Getpid() && r.name == functionProgram[:15] {
			pids = append(pids, r.pid)
		}
	}
	return pids
}
