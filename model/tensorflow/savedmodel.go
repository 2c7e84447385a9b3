package tensorflow

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	corepb "github.com/galeone/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// serveTag marks the graph that is meant for inference.
const serveTag = "serve"

// readSignatures returns the signatures of the graph tagged "serve" in dir's
// saved_model.pb. tfgo hides them, and so they are read from the file; that also
// means that most unsuitable folders are refused before TensorFlow starts.
func readSignatures(dir string) (map[string]*corepb.SignatureDef, error) {
	file, err := os.ReadFile(filepath.Join(dir, "saved_model.pb"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no SavedModel in %s: %w", dir, err)
	}
	if err != nil {
		return nil, err
	}
	var tags []string
	for _, graph := range embedded(file, savedModelMetaGraphs) {
		meta := new(corepb.MetaGraphDef_MetaInfoDef)
		for _, b := range embedded(graph, metaGraphInfo) {
			if err := proto.Unmarshal(b, meta); err != nil {
				return nil, errNoSavedModel
			}
		}
		tags = append(tags, strings.Join(meta.GetTags(), "+"))
		if !slices.Equal(meta.GetTags(), []string{serveTag}) {
			continue
		}
		if err := checkVariables(dir, meta); err != nil {
			return nil, err
		}
		// The signatures alone: the graph, nearly all of the file, is left to
		// TensorFlow, which parses it anyway.
		var bare []byte
		for _, b := range embedded(graph, metaGraphSignatures) {
			bare = protowire.AppendTag(bare, metaGraphSignatures, protowire.BytesType)
			bare = protowire.AppendBytes(bare, b)
		}
		def := new(corepb.MetaGraphDef)
		if err := proto.Unmarshal(bare, def); err != nil {
			return nil, errNoSavedModel
		}
		return def.GetSignatureDef(), nil
	}
	if len(tags) == 0 {
		return nil, errNoSavedModel
	}
	return nil, fmt.Errorf("no graph in saved_model.pb is tagged %q: tagged are %q", serveTag, tags)
}

// checkVariables refuses a graph with variables whose values are missing, as
// after half a copy: TensorFlow would load it and fail at the first picture.
func checkVariables(dir string, meta *corepb.MetaGraphDef_MetaInfoDef) error {
	for _, op := range meta.GetStrippedOpList().GetOp() {
		if op.GetName() == "VarHandleOp" || op.GetName() == "VariableV2" {
			_, err := os.Stat(filepath.Join(dir, "variables", "variables.index"))
			return err
		}
	}
	return nil
}

var errNoSavedModel = errors.New("saved_model.pb is damaged, or something other than a SavedModel")

// The fields that are read, by their numbers in TensorFlow's saved_model.proto
// and meta_graph.proto.
const (
	savedModelMetaGraphs = 2
	metaGraphInfo        = 1
	metaGraphSignatures  = 5
)

// embedded lists the values of a message's field of type message, and nothing
// if msg is no message.
func embedded(msg []byte, field protowire.Number) (values [][]byte) {
	for len(msg) > 0 {
		number, kind, n := protowire.ConsumeTag(msg)
		if n < 0 {
			return nil
		}
		msg = msg[n:]
		if number == field && kind == protowire.BytesType {
			value, n := protowire.ConsumeBytes(msg)
			if n < 0 {
				return nil
			}
			values = append(values, value)
			msg = msg[n:]
			continue
		}
		if n = protowire.ConsumeFieldValue(number, kind, msg); n < 0 {
			return nil
		}
		msg = msg[n:]
	}
	return values
}
