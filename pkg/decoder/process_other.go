//go:build !linux

package decoder

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/decoder/internal/protocol"
)

// A process can't exist on this system: memory files and the limits of other processes need Linux.
type process struct{ grown int64 }

type crashError struct{ fatal bool }

func (*crashError) Error() string { return "the decoder crashed" }

func setCloseOnExec() {}

func startProcess(string, *sync.WaitGroup) (*process, error) { return nil, errors.ErrUnsupported }

func (*process) kill()         {}
func (*process) alive() bool   { return false }
func (*process) shrink() error { return errors.ErrUnsupported }

func (*process) exchange(context.Context, protocol.Request, [][]byte, time.Duration, time.Duration) (protocol.Reply, error) {
	return protocol.Reply{}, errors.ErrUnsupported
}

func (*process) readPictures(protocol.Request, protocol.Reply) (Pictures, error) {
	return Pictures{}, errors.ErrUnsupported
}
