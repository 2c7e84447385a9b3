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

// childArg, as the first argument, makes this program execute a single measurement: the task's name
// and its settings follow, and the result is written to standard output as JSON.
const childArg = "measure-child"

// A task has the settings of a child; each kind of task uses some of them.
type task struct {
	Model      string
	Samples    string // folder of the photographs
	Dir        string // an empty folder for a store
	Width      int    // of the images
	Height     int
	Threads    int
	Memory     int64 // memory budget of the process
	Concurrent int
	Images     int
	Seconds    float64
	Address    string    // to listen on
	Cold       *coldPlan `json:",omitempty"`
	Decoder    string    // path of picture-decoder; "": the worker's process decodes

	written, mount string // the file system of scripts/nfs, by each of its clients
}

// sized returns the task with square images of the given side.
func (t task) sized(side int) task {
	t.Width, t.Height = side, side
	return t
}

var children = map[string]func(context.Context, task, io.Writer) error{
	"allowed":     allowedSide,
	"api":         serveAPI,
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

func runChild(ctx context.Context, args []string, getenv func(string) string, stdout, _ io.Writer) error {
	t := task{written: getenv("NFS_A"), mount: getenv("NFS_B")}
	if err := json.Unmarshal([]byte(args[2]), &t); err != nil {
		return err
	}
	return children[args[1]](ctx, t, stdout)
}

// child returns the command that runs a task in a process of its own.
func child(ctx context.Context, kind string, t task) (*exec.Cmd, *bytes.Buffer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	return childOf(ctx, self, kind, t)
}

// childOf is like child with a given program: a copy of this one, or one with another engine.
func childOf(ctx context.Context, program, kind string, t task) (*exec.Cmd, *bytes.Buffer, error) {
	settings, err := json.Marshal(t)
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(ctx, program, childArg, kind, string(settings))
	// TensorFlow prints many lines in each process; the output is shown only after a failure. The
	// environment is the one that package model recommends.
	stderr := new(bytes.Buffer)
	cmd.Stderr = stderr
	cmd.Env = append(os.Environ(), "TF_CPP_MIN_LOG_LEVEL=2", "MALLOC_ARENA_MAX=2")
	return cmd, stderr, nil
}

// ask runs a task and reads its result.
func ask[T any](ctx context.Context, kind string, t task) (answer T, err error) {
	self, err := os.Executable()
	if err != nil {
		return answer, err
	}
	return askOf[T](ctx, self, kind, t)
}

// askOf is like ask with a given program: a copy of this one, or one with another engine.
func askOf[T any](ctx context.Context, program, kind string, t task) (answer T, err error) {
	cmd, stderr, err := childOf(ctx, program, kind, t)
	if err != nil {
		return answer, err
	}
	return answerOf[T](cmd, stderr)
}

// answerOf runs a child and reads its result.
func answerOf[T any](cmd *exec.Cmd, stderr *bytes.Buffer) (answer T, err error) {
	out, err := cmd.Output()
	if err != nil {
		return answer, fmt.Errorf("%w: %s", err, stderr)
	}
	return answer, json.Unmarshal(out, &answer)
}

// photo returns an image with edges and gradients. The content affects neither the time nor the
// memory of a network.
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

// named returns a request for the catalogue's nth style at full strength.
func named(content *image.RGBA, n int) style.Request {
	names := style.Names()
	return style.Request{Content: content, Mix: style.Mix{{Name: names[n%len(names)], Weight: 1}}, Strength: 1}
}

// load loads a model that is not closed before the process ends.
func load(t task) (*model.Model, error) {
	return loadModel(model.Config{Dir: t.Model, Threads: t.Threads, Concurrent: t.Concurrent})
}

func answer(w io.Writer, v any) error { return json.NewEncoder(w).Encode(v) }
