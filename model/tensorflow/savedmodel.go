package tensorflow

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"

	"github.com/atelier-go/atelier/model"
)

// serveTag is the tag of the graph that paints.
const serveTag = "serve"

// Limits of a model: the size of saved_model.pb in bytes, the total size and the number of the files
// of variables, and the protocol buffer fields of saved_model.pb. The shipped model has 3 MB and 35,000
// fields.
const (
	maxFile          = 512 << 20
	maxVariables     = 4 << 30
	maxVariableFiles = 64
	maxFields        = 1 << 20
)

// Limits of functions: how deep calls may be nested, and how many nodes there may be if each call is
// replaced by the function's nodes.
const (
	maxDepth    = 64
	maxExpanded = maxFields
)

// readModel reads and checks a folder before TensorFlow sees it, and returns the signatures of its
// graph. A SavedModel is a program: TensorFlow runs its operations with the rights of the process,
// some of them during loading. So every operation in the file must be one that only computes; see
// [metaGraph.check].
//
// The signatures are read here because tfgo does not provide them.
func readModel(files *model.Folder) (map[string]*corepb.SignatureDef, error) {
	// TensorFlow's own programs may prefer this form, which this package does not check.
	if other := "saved_model.cpb"; files.Has(other) {
		return nil, fmt.Errorf("%s exists, and only saved_model.pb is supported: remove it, or export the model in one file", other)
	}
	file, err := files.Read("saved_model.pb", maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no SavedModel in the folder (saved_model.pbtxt is not supported): %w", err)
	}
	if err != nil {
		return nil, err
	}
	graphs, err := parse(file)
	if err != nil {
		return nil, err
	}
	var serve *metaGraph
	var tags []string
	for _, g := range graphs {
		if err := g.check(); err != nil {
			return nil, err
		}
		tags = append(tags, strings.Join(g.tags, "+"))
		if !g.serves() {
			continue
		}
		if serve != nil {
			return nil, fmt.Errorf("two graphs in saved_model.pb are tagged %q: one is expected", serveTag)
		}
		serve = g
	}
	if serve == nil {
		return nil, fmt.Errorf("no graph in saved_model.pb is tagged %q; the tags are %q", serveTag, tags)
	}
	return serve.signatures, hashOthers(files, serve.hasVariables())
}

// hashOthers hashes the files that TensorFlow will read itself: the values of the variables, and
// two files about the export. If needed is true, which means that the graph has variables, it
// refuses a folder without their values, for example after an incomplete copy: TensorFlow would
// load it and fail at the first picture.
func hashOthers(files *model.Folder, needed bool) error {
	for _, name := range []string{"fingerprint.pb", "debug/saved_model_debug_info.pb"} {
		if err := files.Hash(name, maxFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if needed {
		if err := files.Hash("variables/variables.index", maxVariables); err != nil {
			return err
		}
	}
	return files.HashAll("variables", maxVariableFiles, maxVariables)
}

var errNoSavedModel = errors.New("saved_model.pb is damaged, or is not a SavedModel")
