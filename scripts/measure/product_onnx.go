//go:build onnx

package main

import (
	"context"
	"errors"
	"io"
)

func products(context.Context, task, io.Writer) error { return errors.ErrUnsupported }
