package main

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
)

// A stack is the whole pipeline, as scripts/demo runs it.
type stack struct {
	*process
	base string           // the API's address
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
	cmd := exec.Command(filepath.Join(s.Bin, "devstack"), "--no-samples", "--dir", dir, "--port", strconv.Itoa(port), "--model", s.Model)
	cmd.Env = append(os.Environ(), unlimited...)
	p, err := begin(ctx, dir, "devstack", cmd, says("is the page"))
	if err != nil {
		return nil, err
	}
	aws, err := ministack.ReadEnv(filepath.Join(dir, "aws.env"))
	if err != nil {
		p.stop()
		return nil, err
	}
	return &stack{p, ministack.Endpoint(port), aws}, nil
}

// unlimited is for an api-server: its bounds on an owner's submissions are not what
// is measured.
var unlimited = []string{"ATELIER_RATE=0", "ATELIER_MAX_UNFINISHED=0", "ATELIER_MAX_STORED=0", "ATELIER_MAX_DAILY=0"}

// startMiniStack runs MiniStack alone, with the pipeline's queue in it.
func (s *session) startMiniStack(ctx context.Context, dir string) (*process, ministack.Locked, *queue.Queue, error) {
	if s.MiniStack == "" {
		return nil, ministack.Locked{}, nil, errors.New("MiniStack is not installed: run scripts/setup")
	}
	port, err := ministack.FreePort()
	if err != nil {
		return nil, ministack.Locked{}, nil, err
	}
	locked := ministack.Lock(port)
	p, err := begin(ctx, dir, "MiniStack", locked.Command(s.MiniStack), answers(locked.Health()))
	if err != nil {
		return nil, locked, nil, err
	}
	cfg, err := locked.Config(ctx)
	if err != nil {
		p.stop()
		return nil, locked, nil, err
	}
	q, err := queue.Create(ctx, cfg, queueName)
	if err != nil {
		p.stop()
	}
	return p, locked, q, err
}

const queueName = "atelier"

// startAPI runs an api-server on a MiniStack, and answers its address.
func (s *session) startAPI(ctx context.Context, dir string, aws ministack.Locked) (*process, string, error) {
	address, err := loopback()
	if err != nil {
		return nil, "", err
	}
	cmd := exec.Command(filepath.Join(s.Bin, "api-server"), "--dir", filepath.Join(dir, "store"), "--queue", queueName, "--listen", address)
	cmd.Env = append(aws.Environ(), unlimited...)
	p, err := begin(ctx, dir, "api-server", cmd, answers("http://"+address+"/readyz"))
	return p, "http://" + address, err
}

// loopback is an address whose port is free now.
func loopback() (string, error) {
	port, err := ministack.FreePort()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), err
}
