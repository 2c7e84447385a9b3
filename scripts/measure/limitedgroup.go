package main

import (
	"bytes"
	"context"
	"errors"
	"os/exec"

	"github.com/atelier-go/atelier/scripts/measure/cgroup"
)

// A limitedGroup is a control group in which children run.
type limitedGroup struct{ *cgroup.Group }

// newLimitedGroup makes a limited group. If that is not possible, the error is an *unavailable with
// the reason.
func newLimitedGroup(dir string, of cgroup.Share) (*limitedGroup, error) {
	g, err := cgroup.New(dir, of)
	if none := new(cgroup.UnavailableError); errors.As(err, &none) {
		return nil, &unavailable{none.Error()}
	}
	return &limitedGroup{g}, err
}

// askInGroup runs a task in a limited group and reads its result.
func askInGroup[T any](ctx context.Context, c *limitedGroup, program, kind string, t task) (answer T, err error) {
	cmd, stderr, err := c.child(ctx, program, kind, t)
	if err != nil {
		return answer, err
	}
	answer, err = answerOf[T](cmd, stderr)
	return answer, c.Reason(ctx, err)
}

// child is like childOf, but the process joins the group before it becomes the program.
func (c *limitedGroup) child(ctx context.Context, program, kind string, t task) (*exec.Cmd, *bytes.Buffer, error) {
	cmd, stderr, err := childOf(ctx, program, kind, t)
	if err != nil {
		return nil, nil, err
	}
	c.Add(cmd)
	return cmd, stderr, nil
}
