package main

import (
	"bytes"
	"context"
	"errors"
	"os/exec"

	"github.com/atelier-go/atelier/scripts/measure/cgroup"
)

// A cell is a control group with children in it.
type cell struct{ *cgroup.Group }

// newCell makes a cell; lacking is why there can be none.
func newCell(dir string, of cgroup.Share) (*cell, error) {
	g, err := cgroup.New(dir, of)
	if none := new(cgroup.UnavailableError); errors.As(err, &none) {
		return nil, &lacking{none.Error()}
	}
	return &cell{g}, err
}

// askIn runs a task inside a cell and reads its answer.
func askIn[T any](ctx context.Context, c *cell, program, kind string, t task) (answer T, err error) {
	cmd, said, err := c.child(ctx, program, kind, t)
	if err != nil {
		return answer, err
	}
	answer, err = answerOf[T](cmd, said)
	return answer, c.Reason(ctx, err)
}

// child is childOf that joins the cell before it becomes the program.
func (c *cell) child(ctx context.Context, program, kind string, t task) (*exec.Cmd, *bytes.Buffer, error) {
	cmd, said, err := childOf(ctx, program, kind, t)
	if err != nil {
		return nil, nil, err
	}
	c.Add(cmd)
	return cmd, said, nil
}
