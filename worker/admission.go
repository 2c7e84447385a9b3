package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// An admission decides which attempts of this process may claim their jobs. An admitted attempt
// decodes, paints and encodes pictures, and is lost if the process dies. An attempt at a suspect, a
// job whose last attempt may have killed its process, is admitted alone: it waits until no other
// attempt is admitted, and until it has ended no other one is.
//
// Attempts are admitted in the order in which they ask, so that none waits forever, whether at a
// suspect or not. The zero admission is ready for use. It is safe for concurrent use.
type admission struct {
	mu       sync.Mutex
	admitted int
	alone    bool // the only admitted one must stay alone
	waiting  []*admissionRequest
}

type admissionRequest struct {
	alone   bool
	granted chan struct{} // closed when it is
}

// acquire waits until the attempt is admitted; the caller then calls release. If it returns an
// error, the attempt is not admitted, and release must not be called. stop is explained at
// interrupted.
func (a *admission) acquire(ctx context.Context, stop <-chan struct{}, alone bool) error {
	if err := interrupted(ctx, stop); err != nil {
		return err
	}
	r := &admissionRequest{alone, make(chan struct{})}
	a.mu.Lock()
	a.waiting = append(a.waiting, r)
	a.grant()
	a.mu.Unlock()
	select {
	case <-r.granted:
		return nil
	case <-ctx.Done():
	case <-stop:
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if i := slices.Index(a.waiting, r); i >= 0 {
		a.waiting = slices.Delete(a.waiting, i, i+1)
	} else { // granted at the same moment
		a.leave()
	}
	a.grant() // the requests behind it
	return interrupted(ctx, stop)
}

// retain admits a run of the engine in addition to its attempt, which the run may outlast. The run
// calls release itself.
func (a *admission) retain() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.admitted++
}

func (a *admission) release() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.leave()
	a.grant()
}

// leave removes one admitted attempt. The caller holds a.mu.
func (a *admission) leave() {
	a.admitted--
	a.alone = a.alone && a.admitted > 0
}

// grant admits as many waiting attempts as possible, in their order. The caller holds a.mu.
func (a *admission) grant() {
	for len(a.waiting) > 0 {
		next := a.waiting[0]
		if a.alone || next.alone && a.admitted > 0 {
			return
		}
		a.waiting = a.waiting[1:]
		a.admitted++
		a.alone = next.alone
		close(next.granted)
	}
}

// errStopping means that the worker was stopped, or that its time is up, before the job was
// finished. The job is not the cause, and is given back.
var errStopping = errors.New("the worker stops")

// interrupted returns the reason why a waiting attempt must end, or nil if it may go on: ctx's
// cause if ctx has ended, or errStopping if stop is closed. stop is closed when the attempts must
// end that have not reached the engine.
func interrupted(ctx context.Context, stop <-chan struct{}) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case <-stop:
		return fmt.Errorf("%w: the job was not begun", errStopping)
	default:
		return nil
	}
}

// acquireSlot waits for one of cap(slots) slots, in the order of the calls, unless the attempt is
// interrupted. Receiving a value from slots releases the slot.
func acquireSlot(ctx context.Context, stop <-chan struct{}, slots chan struct{}) error {
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
		return interrupted(ctx, stop)
	case <-stop:
		return interrupted(ctx, stop)
	}
	if err := interrupted(ctx, stop); err != nil { // select takes any ready case
		<-slots
		return err
	}
	return nil
}
