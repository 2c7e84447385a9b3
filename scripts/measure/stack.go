package main

import (
	"context"
	"errors"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
	"github.com/atelier-go/atelier/scripts/measure/process"
)

// A stack is the whole pipeline, as run by scripts/demo.
type stack struct {
	*process.Process
	base string           // the API's URL
	aws  ministack.Locked // MiniStack
}

func (s *session) startStack(ctx context.Context) (*stack, error) {
	dir, err := s.folder()
	if err != nil {
		return nil, err
	}
	port, err := ministack.FreePort()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(filepath.Join(s.Bin, "devstack"), "--no-samples", "--measured", "--dir", dir, "--port", strconv.Itoa(port), "--model", s.Model)
	p, err := process.Begin(ctx, dir, "devstack", cmd, process.Prints("is the page"))
	if err != nil {
		return nil, err
	}
	aws, err := ministack.ReadEnv(filepath.Join(dir, "aws.env"))
	if err != nil {
		p.Stop()
		return nil, err
	}
	return &stack{p, ministack.Endpoint(port), aws}, nil
}

// unlimited has the arguments of an api-server without limits on an owner's submissions, which are
// not measured.
var unlimited = []string{"ATELIER_RATE=0", "ATELIER_MAX_UNFINISHED=0", "ATELIER_MAX_STORED=0", "ATELIER_MAX_DAILY=0"}

// startMiniStack runs only MiniStack, with the pipeline's queue.
func (s *session) startMiniStack(ctx context.Context, dir string) (*process.Process, ministack.Locked, *queue.Queue, error) {
	if s.MiniStack == "" {
		return nil, ministack.Locked{}, nil, errors.New("MiniStack is not installed: run scripts/setup")
	}
	port, err := ministack.FreePort()
	if err != nil {
		return nil, ministack.Locked{}, nil, err
	}
	locked := ministack.Lock(port)
	p, err := process.Begin(ctx, dir, "MiniStack", locked.Command(s.MiniStack), process.Responds(locked.Health()))
	if err != nil {
		return nil, locked, nil, err
	}
	cfg, err := locked.Config(ctx)
	if err != nil {
		p.Stop()
		return nil, locked, nil, err
	}
	q, err := queue.Create(ctx, cfg, queueName)
	if err != nil {
		p.Stop()
	}
	return p, locked, q, err
}

const queueName = "atelier"

// startAPI runs an api-server with a MiniStack, and returns its URL.
func (s *session) startAPI(ctx context.Context, dir string, aws ministack.Locked) (*process.Process, string, error) {
	address, err := loopback()
	if err != nil {
		return nil, "", err
	}
	cmd := exec.Command(filepath.Join(s.Bin, "api-server"), "--dir", filepath.Join(dir, "store"), "--queue", queueName, "--listen", address)
	cmd.Env = append(aws.Environ(), unlimited...)
	p, err := process.Begin(ctx, dir, "api-server", cmd, process.Responds("http://"+address+"/readyz"))
	return p, "http://" + address, err
}

// loopback returns an address with a port that is free now.
func loopback() (string, error) {
	port, err := ministack.FreePort()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), err
}
