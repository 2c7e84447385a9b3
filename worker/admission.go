package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// An admission decides which attempts may claim their jobs. An admitted attempt decodes, paints and
// encodes pixels, and is lost if the process dies. An attempt at a suspect, a job whose last attempt
// may have killed its process, is admitted alone: it waits until no other is admitted, and no other
// is admitted until it has ended.
//
// Attempts are admitted in the order of their requests, so that neither suspects nor the others can
// starve. The zero admission is ready for use; it is safe for concurrent use.
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

// acquire waits for admission, to be released with release. After an error there is nothing to
// release. stop is as of interrupted.
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

// retain is called by an admitted attempt for a run of the engine that may outlast it. The run needs
// a release of its own.
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

// leave removes one admitted attempt. a.mu is locked.
func (a *admission) leave() {
	a.admitted--
	a.alone = a.alone && a.admitted > 0
}

// grant admits as many waiting attempts as possible, in their order. a.mu is locked.
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

// interrupted returns why an attempt that waits must end: ctx's cause, or errStopping if stop is
// closed, which it is when attempts that are not in the engine yet must end. nil means that it may
// go on.
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

// acquireSlot takes one of cap(slots) slots, first come, first served, unless the attempt is
// interrupted. Receiving from slots releases it.
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
