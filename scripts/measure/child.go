package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"

	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/pkg/style"
)

// childArg, as the first argument, makes this program one that does a single
// measurement: the task's name and its settings follow, and the answer goes to
// standard output as JSON.
const childArg = "measure-child"

// A task is the settings of a child; each kind uses what it needs.
type task struct {
	Model      string
	Samples    string // folder of the photographs
	Dir        string // an empty folder, for a store
	Width      int    // of the images
	Height     int
	Threads    int
	Memory     int64 // that the process may take
	Concurrent int
	Images     int
	Seconds    float64
	Public     bool      // the jobs
	Address    string    // to listen at
	Cold       *coldPlan `json:",omitempty"`
	Decoder    string    // the file of picture-decoder; "": pictures are decoded in the worker's process
}

// sized is the task with squares of this side.
func (t task) sized(side int) task {
	t.Width, t.Height = side, side
	return t
}

var children = map[string]func(context.Context, task, io.Writer) error{
	"allowed":     allowedSide,
	"api":         serveInMemory,
	"bare":        bareLoop,
	"cold-starts": coldStarts,
	"decode":      decodeAlone,
	"first-image": firstImage,
	"mixed":       residents(mixed),
	"peak":        peakOfOne,
	"peak-after":  peakAfterOthers,
	"product":     products,
	"sizes":       residents(ofOwnSize),
	"throughput":  throughput,
	"worker":      workAlone,
	"worker-peak": peakOfWorker,
}

func runChild(ctx context.Context, args []string, stdout, _ io.Writer) error {
	var t task
	if err := json.Unmarshal([]byte(args[2]), &t); err != nil {
		return err
	}
	return children[args[1]](ctx, t, stdout)
}

// child is the command that runs a task in a process of its own.
func child(ctx context.Context, kind string, t task) (*exec.Cmd, *bytes.Buffer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	return childOf(ctx, self, kind, t)
}

// childOf is child by a copy of this program, or by one with another engine.
func childOf(ctx context.Context, program, kind string, t task) (*exec.Cmd, *bytes.Buffer, error) {
	settings, err := json.Marshal(t)
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(ctx, program, childArg, kind, string(settings))
	// TensorFlow greets each process in many lines; what it said is shown if it fails.
	// The environment is the one that package model advises.
	said := new(bytes.Buffer)
	cmd.Stderr = said
	cmd.Env = append(os.Environ(), "TF_CPP_MIN_LOG_LEVEL=2", "MALLOC_ARENA_MAX=2")
	return cmd, said, nil
}

// ask runs a task and reads its answer.
func ask[T any](ctx context.Context, kind string, t task) (answer T, err error) {
	self, err := os.Executable()
	if err != nil {
		return answer, err
	}
	return askOf[T](ctx, self, kind, t)
}

// askOf is ask of a copy of this program, or of one with another engine.
func askOf[T any](ctx context.Context, program, kind string, t task) (answer T, err error) {
	cmd, said, err := childOf(ctx, program, kind, t)
	if err != nil {
		return answer, err
	}
	return answerOf[T](cmd, said)
}

// answerOf runs a child and reads its answer.
func answerOf[T any](cmd *exec.Cmd, said *bytes.Buffer) (answer T, err error) {
	out, err := cmd.Output()
	if err != nil {
		return answer, fmt.Errorf("%w: %s", err, said)
	}
	return answer, json.Unmarshal(out, &answer)
}

// photo is a picture with edges and gradients. The time and the memory that a
// network takes don't depend on what is in it.
func photo(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		row := img.Pix[y*img.Stride:][:w*4]
		for x := range w {
			row[4*x], row[4*x+1], row[4*x+2], row[4*x+3] = uint8(x), uint8(y), uint8(x*y/64), 255
		}
	}
	return img
}

// named is a request for the catalogue's nth style, at full strength.
func named(content *image.RGBA, n int) style.Request {
	names := style.Names()
	return style.Request{Content: content, Mix: style.Mix{{Name: names[n%len(names)], Weight: 1}}, Strength: 1}
}

// load is of a model that is not closed: it goes with the process.
func load(t task) (*model.Model, error) {
	return loadModel(model.Config{Dir: t.Model, Threads: t.Threads, Concurrent: t.Concurrent})
}

func answer(w io.Writer, v any) error { return json.NewEncoder(w).Encode(v) }
