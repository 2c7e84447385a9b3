package onnx

import (
	"fmt"
	"runtime"

	ort "github.com/yalue/onnxruntime_go"
)

// A session is a network loaded into ONNX Runtime. Its arena keeps the memory of its largest run.
// Without an arena, the memory of each layer is requested from the system again, and a run takes
// 1.5 times as long at 512x512, and four times as long at 2048x2048.
type session struct{ *ort.DynamicAdvancedSession }

func newSession(file []byte, inputs, outputs []string, threads int) (*session, error) {
	options, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	defer func() { _ = options.Destroy() }() // it fails only without options
	for _, set := range []func() error{
		func() error { return options.SetIntraOpNumThreads(threads) },
		// The operations form a chain, so there is never a second one to run at the same time.
		func() error { return options.SetInterOpNumThreads(1) },
		// Threads that spin while they wait would take the cores from other images.
		func() error { return options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0") },
		// Without this, four bytes in a file would be enough for ONNX Runtime to read it in its
		// own format, which was not checked.
		func() error { return options.AddSessionConfigEntry("session.load_model_format", "ONNX") },
		// A memory pattern would be kept for each size of picture forever, and saves no time.
		func() error { return options.SetMemPattern(false) },
	} {
		if err := set(); err != nil {
			return nil, err
		}
	}
	s, err := ort.NewDynamicAdvancedSessionWithONNXData(file, inputs, outputs, options)
	if err != nil {
		return nil, err
	}
	return &session{s}, nil
}

// A plane is a tensor's data and shape.
type plane struct {
	data  []float32
	shape ort.Shape
}

// run runs the network with the inputs in, and writes its output to out, whose shape the output
// must have.
func (s *session) run(out plane, in ...plane) error {
	var pins runtime.Pinner // the tensors refer to Go memory
	defer pins.Unpin()
	var values []ort.Value
	defer func() {
		for _, v := range values {
			_ = v.Destroy() // it never fails
		}
	}()
	for _, p := range append(in, out) {
		pins.Pin(&p.data[0])
		t, err := ort.NewTensor(p.shape, p.data)
		if err != nil {
			return err
		}
		values = append(values, t)
	}
	if err := s.Run(values[:len(in)], values[len(in):]); err != nil {
		return fmt.Errorf("running the network: %w", err)
	}
	return nil
}
