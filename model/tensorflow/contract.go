package tensorflow

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"

	"github.com/galeone/tensorflow/tensorflow/go/core/framework/types_go_proto"

	"github.com/atelier-go/atelier/model"
)

// A port is one tensor of the graph: an operation's name and the index of its output. A model exported
// by TensorFlow 2 has the names serving_default_content:0 and StatefulPartitionedCall:0, an older one
// placeholder:0. Names are therefore read from the signature.
type port struct {
	op    string
	index int
}

// A contract lists the signatures that a model provides and that this package uses, after they were
// checked.
type contract struct {
	stylize   struct{ content, style, out port }
	predict   struct{ style, vector port }
	transform struct{ content, vector, out port }
	// vectors reports whether predict and transform exist. Vectors then have width numbers.
	vectors bool
	width   int
	// names are all of the model's signatures, sorted, including unused ones.
	names []string
}

const expected = `expected: serving_default (placeholder float32 [1,H,W,3], placeholder_1 float32 [1,h,w,3]) -> output_0 float32 [1,H,W,3]; ` +
	`and both or neither of predict_style (style float32 [1,h,w,3]) -> vector float32 [1,N] and ` +
	`transform (content float32 [1,H,W,3], vector float32 [1,N]) -> output_0 float32 [1,H,W,3]; H and W open, h and w open or 256`

// newContract checks the signatures of a model. Its error lists everything that is wrong, and what
// is expected.
func newContract(sigs map[string]*corepb.SignatureDef) (*contract, error) {
	c := new(contract)
	for name := range sigs {
		if !strings.HasPrefix(name, "__") { // TensorFlow's own, for initialisation
			c.names = append(c.names, name)
		}
	}
	slices.Sort(c.names)

	k := checker{sigs: sigs}
	if sigs["serving_default"] == nil {
		k.fault("there is no signature serving_default, only %s", enumerate(c.names))
	} else {
		c.stylize.content, _ = k.input("serving_default", "placeholder", picture)
		c.stylize.style, _ = k.input("serving_default", "placeholder_1", styled)
		c.stylize.out, _ = k.output("serving_default", "output_0", picture)
	}
	switch p, t := sigs["predict_style"] != nil, sigs["transform"] != nil; {
	case p && t:
		var made, taken int
		c.vectors = true
		c.predict.style, _ = k.input("predict_style", "style", styled)
		c.predict.vector, made = k.output("predict_style", "vector", vector)
		c.transform.content, _ = k.input("transform", "content", picture)
		c.transform.vector, taken = k.input("transform", "vector", vector)
		c.transform.out, _ = k.output("transform", "output_0", picture)
		if made != taken && made > 0 && taken > 0 {
			k.fault("predict_style makes vectors of %d numbers, transform takes %d", made, taken)
		}
		if c.width = max(made, taken); c.width <= 0 {
			k.fault("neither predict_style nor transform says how many numbers a vector has")
		}
	case p:
		k.fault("there is predict_style without transform")
	case t:
		k.fault("there is transform without predict_style")
	}
	if len(k.faults) > 0 {
		return nil, errors.New("its signatures do not fit: " + strings.Join(k.faults, "; ") + " (" + expected + ")")
	}
	return c, nil
}

// A kind is the required shape of a tensor.
type kind struct {
	shape    string // for messages
	channels int    // required size of the last dimension, 0 for any
	rank     int
	side     int // allowed fixed height and width; 0 means that they must be open
}

// A photograph has any size; a style's picture always has model.StyleSide.
var (
	picture = kind{"[1,?,?,3]", 3, 4, 0}
	styled  = kind{"[1,?,?,3]", 3, 4, model.StyleSide}
	vector  = kind{"[1,N]", 0, 2, 0}
)

// A checker collects what is wrong with the signatures.
type checker struct {
	sigs   map[string]*corepb.SignatureDef
	faults []string
}

func (k *checker) fault(format string, args ...any) {
	k.faults = append(k.faults, fmt.Sprintf(format, args...))
}

// input and output check an input or an output of a signature. They return its port and the size of
// its last dimension, or -1 if the signature leaves that open.
func (k *checker) input(sig, name string, want kind) (port, int) {
	return k.tensor(sig, "input", k.sigs[sig].GetInputs(), name, want)
}

func (k *checker) output(sig, name string, want kind) (port, int) {
	return k.tensor(sig, "output", k.sigs[sig].GetOutputs(), name, want)
}

func (k *checker) tensor(sig, side string, tensors map[string]*corepb.TensorInfo, name string, want kind) (port, int) {
	info := tensors[name]
	if info == nil {
		k.fault("%s has no %s %s, only %s", sig, side, name, enumerate(slices.Sorted(maps.Keys(tensors))))
		return port{}, -1
	}
	// An open dimension may get the right size at run time; the output's shape is checked again
	// then.
	shape := info.GetTensorShape()
	dims := shape.GetDim()
	fits := info.GetDtype() == types_go_proto.DataType_DT_FLOAT
	last := -1
	if !shape.GetUnknownRank() {
		if fits = fits && len(dims) == want.rank; fits {
			last = int(dims[want.rank-1].GetSize())
			fits = (last < 0 || want.channels == 0 || last == want.channels) &&
				dims[0].GetSize() <= 1 // -1 is any
			for _, side := range dims[1 : want.rank-1] {
				fits = fits && (side.GetSize() < 0 || int(side.GetSize()) == want.side)
			}
		}
	}
	if !fits {
		k.fault("%s's %s %s is %s, not float32 %s", sig, side, name, describe(info), want.shape)
	}
	op, output, found := strings.Cut(info.GetName(), ":")
	index, err := strconv.Atoi(output)
	if found && (err != nil || index < 0) || op == "" {
		k.fault("%s's %s %s has no usable name: %q", sig, side, name, info.GetName())
	}
	return port{op, index}, last
}

// describe returns a tensor's type and shape, such as uint8 [1,?,?,3].
func describe(info *corepb.TensorInfo) string {
	dtype := strings.ToLower(strings.TrimPrefix(info.GetDtype().String(), "DT_"))
	if dtype == "float" {
		dtype = "float32"
	}
	if info.GetTensorShape().GetUnknownRank() {
		return dtype + " of unknown rank"
	}
	var dims []string
	for _, d := range info.GetTensorShape().GetDim() {
		if d.GetSize() < 0 {
			dims = append(dims, "?")
		} else {
			dims = append(dims, strconv.FormatInt(d.GetSize(), 10))
		}
	}
	return dtype + " [" + strings.Join(dims, ",") + "]"
}

func enumerate(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
