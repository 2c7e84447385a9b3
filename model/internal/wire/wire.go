// Package wire reads protocol buffers of strangers. It accepts less than the format
// allows, so that whoever reads the same bytes later, with whatever library, sees the
// same message: no field that the reader does not expect, none twice that should be
// there once (libraries merge or overwrite), none of another type, no groups, no longer
// spelling of a number than needed.
package wire

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// A Kind says how a field is encoded. The zero Kind is a field that must not be there.
type Kind uint8

// The kinds of fields. Repeated is added to one of the others; a repeated number may be
// packed.
const (
	Varint Kind = iota + 1
	Fixed32
	Fixed64
	Bytes // a string, bytes or a message

	Repeated Kind = 1 << 7
)

var types = [...]protowire.Type{Varint: protowire.VarintType, Fixed32: protowire.Fixed32Type, Fixed64: protowire.Fixed64Type, Bytes: protowire.BytesType}

// A Message is what a message may hold: the kinds of its fields, by their numbers, which
// are below 64.
type Message []Kind

// A Field is a field's value.
type Field struct {
	Number protowire.Number
	Bytes  []byte // of Bytes and of packed numbers: a part of the message, not a copy
	Int    uint64 // of Varint
}

// Errors of [Reader.Read].
var (
	// ErrDamaged says that the bytes are no such message.
	ErrDamaged = errors.New("malformed")
	// ErrTooMuch says that there are more fields than the reader may read.
	ErrTooMuch = errors.New("too many fields")
)

// A Reader reads messages with at most Left fields, in all.
type Reader struct{ Left int }

// Read calls each for each field of msg, in their order. Its error wraps [ErrDamaged] or
// [ErrTooMuch], or is what each has answered.
func (r *Reader) Read(msg []byte, m Message, each func(Field) error) error {
	var seen uint64
	for len(msg) > 0 {
		if r.Left--; r.Left < 0 {
			return ErrTooMuch
		}
		number, kind, size := protowire.ConsumeTag(msg)
		if size < 0 || size != protowire.SizeTag(number) {
			return ErrDamaged
		}
		msg = msg[size:]
		if int(number) >= len(m) || m[number] == 0 {
			return fmt.Errorf("%w: field %d is not expected", ErrDamaged, number)
		}
		want := m[number]
		packed := want&Repeated != 0 && kind == protowire.BytesType
		if kind != types[want&^Repeated] && !packed {
			return fmt.Errorf("%w: field %d is of type %d", ErrDamaged, number, kind)
		}
		if bit := uint64(1) << number; want&Repeated == 0 {
			if seen&bit != 0 {
				return fmt.Errorf("%w: field %d is there twice", ErrDamaged, number)
			}
			seen |= bit
		}
		field := Field{Number: number}
		switch kind {
		case protowire.BytesType:
			field.Bytes, size = protowire.ConsumeBytes(msg)
			if size >= 0 && size != protowire.SizeBytes(len(field.Bytes)) {
				return ErrDamaged
			}
		case protowire.VarintType:
			field.Int, size = protowire.ConsumeVarint(msg)
		default:
			size = protowire.ConsumeFieldValue(number, kind, msg)
		}
		if size < 0 {
			return ErrDamaged
		}
		msg = msg[size:]
		if err := each(field); err != nil {
			return err
		}
	}
	return nil
}

// entry is what each entry of a map is.
var entry = Message{1: Bytes, 2: Bytes}

// Entry reads an entry of a map from strings to strings or messages.
func (r *Reader) Entry(msg []byte) (key string, value []byte, err error) {
	err = r.Read(msg, entry, func(f Field) error {
		if f.Number == 1 {
			key = string(f.Bytes)
		} else {
			value = f.Bytes
		}
		return nil
	})
	return key, value, err
}
