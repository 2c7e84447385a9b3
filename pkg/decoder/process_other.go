//go:build !linux

package decoder

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/decoder/internal/protocol"
)

// Memory files and the limits of another process are Linux's.
type process struct{ grown int64 }

type crashed struct{ fatal bool }

func (*crashed) Error() string { return "the decoder crashed" }

func keepFiles() {}

func startProcess(string, *sync.WaitGroup) (*process, error) { return nil, errors.ErrUnsupported }

func (*process) end()          {}
func (*process) alive() bool   { return false }
func (*process) shrink() error { return errors.ErrUnsupported }

func (*process) exchange(context.Context, protocol.Request, [][]byte, time.Duration, time.Duration) (protocol.Reply, error) {
	return protocol.Reply{}, errors.ErrUnsupported
}

func (*process) pictures(protocol.Request, protocol.Reply) (Pictures, error) {
	return Pictures{}, errors.ErrUnsupported
}
