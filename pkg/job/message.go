package job

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// MessageVersion is the version of the wire format that this code speaks.
const MessageVersion = 1

// A Message announces a run of a job on the queue. Everything else about the
// job is in the store, so that a message can't disagree with it.
type Message struct {
	Job ID
	Run int
}

// A Delivery is one receipt of a message from the queue. The same message
// received again is another Delivery with another handle.
type Delivery struct {
	ID       string // the queue's name for the message, for logs
	Body     string // wire form, for [DecodeMessage]
	Received int    // how often the message has been received, this time included; 0 if unknown
	Handle   string // by which the queue knows this receipt
}

type wireMessage struct {
	V   int    `json:"v"`
	Job string `json:"job"`
	Run int    `json:"run"`
}

// Encode is the message's wire form, {"v":1,"job":"<id>","run":1}.
func (m Message) Encode() string {
	b, _ := json.Marshal(wireMessage{MessageVersion, string(m.Job), m.Run}) // strings and ints can't fail
	return string(b)
}

// DecodeMessage reads a wire form. It is strict, because what it can't read
// goes to the dead-letter queue, where a person looks at it: unknown fields, a
// second value, another version, an id or run out of range all wrap [ErrMalformed].
func DecodeMessage(body string) (Message, error) {
	dec := json.NewDecoder(bytes.NewReader([]byte(body)))
	dec.DisallowUnknownFields()
	var w wireMessage
	if err := dec.Decode(&w); err != nil {
		// Cut, since the reason quotes a field's name, which can be a mebibyte long.
		return Message{}, fmt.Errorf("%w: %.200q: %.200s", ErrMalformed, body, err.Error())
	}
	if _, err := dec.Token(); err != io.EOF {
		return Message{}, fmt.Errorf("%w: %.200q: more than one value", ErrMalformed, body)
	}
	if w.V != MessageVersion {
		return Message{}, fmt.Errorf("%w: version %d, this program speaks %d", ErrMalformed, w.V, MessageVersion)
	}
	id, err := ParseID(w.Job)
	if err != nil {
		return Message{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if w.Run < 1 {
		return Message{}, fmt.Errorf("%w: run %d, the first is 1", ErrMalformed, w.Run)
	}
	return Message{id, w.Run}, nil
}
