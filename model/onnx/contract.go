package onnx

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/atelier-go/atelier/model"
)

// The names of the files and of their inputs and outputs.
const (
	transformFile, contentInput, vectorInput, pictureOutput = "transform.onnx", "content", "vector", "output_0"
	predictFile, styleInput, vectorOutput                   = "predict_style.onnx", "style", "vector"
)

const expected = `expected: transform.onnx (content float32 [1,3,H,W], vector float32 [1,N]) -> output_0 float32 [1,3,H,W]; ` +
	`predict_style.onnx (style float32 [1,3,h,w]) -> vector float32 [1,N]; H and W open, h and w open or 256`

// files are the two networks, as read, and the width of their vector.
type files struct {
	transform, predict []byte
	width              int
}

// maxFile is how many bytes a network may have. The shipped transformer has one million.
const maxFile = 512 << 20

// readFiles reads the networks in dir and checks what they take and give. The
// error says all that does not fit, and what is expected instead.
func readFiles(dir *model.Folder) (*files, error) {
	var f files
	var k checker
	var err error
	if f.transform, err = k.open(dir, transformFile); err != nil {
		return nil, err
	}
	k.input(contentInput, picture)
	taken := k.input(vectorInput, vector)
	k.output(pictureOutput, picture)
	k.noMore()
	if f.predict, err = k.open(dir, predictFile); err != nil {
		return nil, err
	}
	k.input(styleInput, styled)
	made := k.output(vectorOutput, vector)
	k.noMore()
	if made != taken && made > 0 && taken > 0 {
		k.fault("predict_style.onnx makes vectors of %d numbers, transform.onnx takes %d", made, taken)
	}
	if f.width = int(max(made, taken)); f.width <= 0 {
		k.fault("neither predict_style.onnx nor transform.onnx says how many numbers a vector has")
	}
	if len(k.faults) > 0 {
		return nil, errors.New("its networks do not fit: " + strings.Join(k.faults, "; ") + " (" + expected + ")")
	}
	return &f, nil
}

// A kind is the shape that a tensor must have.
type kind []int64

// What stands for a size in a kind: anySize, or openSize, which the file must leave open.
const anySize, openSize = -1, -2

// shape is such as float32 [1,3,?,?]: what may be open is told as open.
func (k kind) shape() tensorType {
	t := tensorType{float, slices.Clone(k)}
	for i, size := range t.dims {
		if size == model.StyleSide {
			t.dims[i] = openSize
		}
	}
	return t
}

// A photograph has any size, a style's picture always has model.StyleSide.
var (
	picture = kind{1, 3, openSize, openSize}
	styled  = kind{1, 3, model.StyleSide, model.StyleSide}
	vector  = kind{1, anySize}
)

// A checker gathers what does not fit.
type checker struct {
	file            string
	inputs, outputs map[string]tensorType // of file; of inputs those not yet asked for
	faults          []string
}

func (k *checker) fault(format string, args ...any) {
	k.faults = append(k.faults, fmt.Sprintf(format, args...))
}

// open reads the file that the next checks are of.
func (k *checker) open(dir *model.Folder, file string) ([]byte, error) {
	b, err := dir.Read(file, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: a worker with ONNX Runtime needs it, and model/train/export.py writes it beside saved_model.pb; a SavedModel alone is for a worker with TensorFlow", err)
	}
	if err != nil {
		return nil, err
	}
	k.file = file
	g, err := readGraph(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	k.inputs, k.outputs = g.inputs, g.outputs
	return b, nil
}

// input and output check a tensor, and answer with the size of its last
// dimension, -1 where the file leaves that open.
func (k *checker) input(name string, want kind) int64 {
	defer delete(k.inputs, name)
	return k.tensor("input", k.inputs, name, want)
}

func (k *checker) output(name string, want kind) int64 {
	return k.tensor("output", k.outputs, name, want)
}

// noMore wants no input beyond those checked: nobody would feed it.
func (k *checker) noMore() {
	for _, name := range slices.Sorted(maps.Keys(k.inputs)) {
		k.fault("%s has an input %s too many", k.file, name)
	}
}

func (k *checker) tensor(side string, tensors map[string]tensorType, name string, want kind) int64 {
	t, ok := tensors[name]
	if !ok {
		names := "none"
		if len(tensors) > 0 {
			names = strings.Join(slices.Sorted(maps.Keys(tensors)), ", ")
		}
		k.fault("%s has no %s %s, only %s", k.file, side, name, names)
		return -1
	}
	// A dimension that the file leaves open may turn out right; ONNX Runtime checks
	// it at each run.
	fits := t.element == float && len(t.dims) == len(want)
	for i := range min(len(t.dims), len(want)) {
		fits = fits && (t.dims[i] < 0 || want[i] == anySize || t.dims[i] == want[i])
	}
	if !fits {
		k.fault("%s's %s %s is %s, not %s", k.file, side, name, t, want.shape())
		return -1
	}
	return t.dims[len(t.dims)-1]
}
