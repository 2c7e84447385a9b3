package job

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
)

// MessageVersion is the version of the wire format that this program sends and accepts.
const MessageVersion = 1

// A Message names a run of a job, for the worker that receives it from the queue. Everything else
// about the job is in the store, so that a message can't contradict it.
type Message struct {
	Job ID
	Run int

	// Attributes outside the body, not needed for the work; both may be empty.
	Group   string // [Group] of the job's owner: the queue divides workers fairly among groups
	Request string // the id of the HTTP request that has asked for the run, for logs
}

// Group returns the message group for the jobs of an owner: a hash of the name, because the queue
// and its logs should not contain names. It is empty for the owner without a name, whom a server
// without API keys has.
func Group(owner string) string {
	if owner == "" {
		return ""
	}
	return OwnerHash(owner)
}

// OwnerHash returns a hash to be used in place of an owner's name: 32 hexadecimal digits.
func OwnerHash(owner string) string {
	sum := sha256.Sum256([]byte(owner))
	return hex.EncodeToString(sum[:16])
}

// A Delivery is a message as it was received once. If the same message is received again, that is
// another Delivery, with another handle.
type Delivery struct {
	ID       string // the queue's id of the message, for logs
	Body     string // wire form, for [DecodeMessage]
	Received int    // how often the message has been received, including this time; 0 if unknown
	Handle   string // the queue's handle of this receipt
	Request  string // as in [Message]
}

type wireMessage struct {
	V   int    `json:"v"`
	Job string `json:"job"`
	Run int    `json:"run"`
}

// Encode returns the message's wire form, {"v":1,"job":"<id>","run":1}.
func (m Message) Encode() string {
	b, _ := json.Marshal(wireMessage{MessageVersion, string(m.Job), m.Run}) // strings and ints can't cause an error
	return string(b)
}

// DecodeMessage parses a message's wire form; the result has neither group nor request. It is
// strict, because a malformed message goes to the dead-letter queue, where an operator inspects it.
// The error wraps [ErrMalformed] for an unknown field, a second value, another version, or an id or
// run out of range.
func DecodeMessage(body string) (Message, error) {
	dec := json.NewDecoder(bytes.NewReader([]byte(body)))
	dec.DisallowUnknownFields()
	var w wireMessage
	if err := dec.Decode(&w); err != nil {
		// Truncated: the error quotes a field's name, which can be a mebibyte long.
		return Message{}, fmt.Errorf("%w: %.200q: %.200s", ErrMalformed, body, err.Error())
	}
	if _, err := dec.Token(); err != io.EOF {
		return Message{}, fmt.Errorf("%w: %.200q: more than one value", ErrMalformed, body)
	}
	if w.V != MessageVersion {
		return Message{}, fmt.Errorf("%w: version %d; this program supports %d", ErrMalformed, w.V, MessageVersion)
	}
	id, err := ParseID(w.Job)
	if err != nil {
		return Message{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if w.Run < 1 {
		return Message{}, fmt.Errorf("%w: run %d, the first is 1", ErrMalformed, w.Run)
	}
	return Message{Job: id, Run: w.Run}, nil
}
