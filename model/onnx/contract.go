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

// The file names of the networks, and the names of their inputs and outputs.
const (
	transformFile, contentInput, vectorInput, pictureOutput = "transform.onnx", "content", "vector", "output_0"
	predictFile, styleInput, vectorOutput                   = "predict_style.onnx", "style", "vector"
)

const expected = `expected: transform.onnx (content float32 [1,3,H,W], vector float32 [1,N]) -> output_0 float32 [1,3,H,W]; ` +
	`predict_style.onnx (style float32 [1,3,h,w]) -> vector float32 [1,N]; H and W open, h and w open or 256`

// files are the files of the two networks, and the length of the vectors that they exchange.
type files struct {
	transform, predict []byte
	width              int
}

// maxFile is the largest size of a network's file in bytes. The shipped ones have a few million
// bytes.
const maxFile = 512 << 20

// readFiles reads the networks in dir and checks their inputs and outputs. Its error lists
// everything that is wrong, and what is expected.
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
	k.noOtherInputs()
	if f.predict, err = k.open(dir, predictFile); err != nil {
		return nil, err
	}
	k.input(styleInput, styled)
	made := k.output(vectorOutput, vector)
	k.noOtherInputs()
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

// A kind is the required shape of a tensor.
type kind []int64

// Special sizes in a kind: with anySize the file may declare any size or none, and with openSize it
// must declare none.
const anySize, openSize = -1, -2

// shape returns the kind as a type for messages, such as float32 [1,3,?,?]. A question mark stands
// for a size that the file may leave open.
func (k kind) shape() tensorType {
	t := tensorType{float, slices.Clone(k)}
	for i, size := range t.dims {
		if size == model.StyleSide {
			t.dims[i] = openSize
		}
	}
	return t
}

// A photograph has any size; a style's picture always has model.StyleSide.
var (
	picture = kind{1, 3, openSize, openSize}
	styled  = kind{1, 3, model.StyleSide, model.StyleSide}
	vector  = kind{1, anySize}
)

// A checker collects what is wrong with the files.
type checker struct {
	file            string
	inputs, outputs map[string]tensorType // of file; inputs without those already checked
	faults          []string
}

func (k *checker) fault(format string, args ...any) {
	k.faults = append(k.faults, fmt.Sprintf(format, args...))
}

// open reads the file that the following checks are about.
func (k *checker) open(dir *model.Folder, file string) ([]byte, error) {
	b, err := dir.Read(file, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: a worker with ONNX Runtime needs it, and model/train/export.py writes it beside saved_model.pb; a SavedModel only is enough for a worker with TensorFlow", err)
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

// input and output check an input or an output of the file. They return the size of its last
// dimension, or -1 if the file leaves that open.
func (k *checker) input(name string, want kind) int64 {
	defer delete(k.inputs, name)
	return k.tensor("input", k.inputs, name, want)
}

func (k *checker) output(name string, want kind) int64 {
	return k.tensor("output", k.outputs, name, want)
}

// noOtherInputs reports the inputs that were not checked: nobody would give them a value.
func (k *checker) noOtherInputs() {
	for _, name := range slices.Sorted(maps.Keys(k.inputs)) {
		k.fault("%s has an additional input, %s", k.file, name)
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
	// An open dimension may get the right size at run time; ONNX Runtime checks it at each run.
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
