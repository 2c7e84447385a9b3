package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// A function handles events. Invocations may overlap.
type function struct {
	// tasks are the functions to call for the tasks that an event can name.
	tasks map[string]func(context.Context) error
	// pair is called for an event that names a pair: two executions that test the file system
	// together (see verifyPair).
	pair func(ctx context.Context, name string) error
	// copied is called for the end of an execution of DataSync, with its ARN.
	copied func(ctx context.Context, execution string) error
}

// Source and type of the events with which DataSync reports that an execution has changed its
// state.
const (
	dataSync    = "aws.datasync"
	stateChange = "DataSync Task Execution State Change"
)

// invoke handles an event. It finds out from the members of the event what kind it is. ctx has the
// deadline of the invocation.
func (f *function) invoke(ctx context.Context, payload json.RawMessage) error {
	var task struct {
		Task string `json:"task"`
		Pair string `json:"pair"`
	}
	if strictly(payload, &task) == nil {
		switch do := f.tasks[task.Task]; {
		case task.Task == "verify" && task.Pair != "":
			return f.pair(ctx, task.Pair)
		case do != nil && task.Pair == "":
			return do(ctx)
		}
	}
	var e struct {
		Source     string   `json:"source"`
		DetailType string   `json:"detail-type"`
		Resources  []string `json:"resources"`
		Detail     struct{ State string }
	}
	if err := json.Unmarshal(payload, &e); err != nil || e.Source != dataSync || e.DetailType != stateChange {
		return f.unexpected(payload)
	}
	if state := e.Detail.State; len(e.Resources) != 1 || state != "SUCCESS" && state != "ERROR" {
		return f.unexpected(payload)
	}
	return f.copied(ctx, e.Resources[0])
}

// strictly decodes a payload of one JSON value, and returns an error if it has unknown members.
func strictly(payload []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(payload))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("more than one value")
	}
	return nil
}

func (f *function) unexpected(payload []byte) error {
	var known []string
	for _, name := range slices.Sorted(maps.Keys(f.tasks)) {
		known = append(known, fmt.Sprintf(`{"task":%q}`, name))
	}
	return fmt.Errorf("this function takes the events %s, and those of source %s and detail-type %q with one resource and the State SUCCESS or ERROR, not %.300q",
		strings.Join(known, ", "), dataSync, stateChange, payload)
}
