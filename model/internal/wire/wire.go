// Package wire parses untrusted protocol buffers. It accepts less than the format allows, so that
// every other library finds the same message in the same bytes: it refuses unexpected fields, a
// field that is repeated although it should occur once (libraries either merge or overwrite it),
// other types, groups, and numbers that are encoded in too many bytes.
package wire

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// A Kind says how a field is encoded. The zero Kind is that of a field that is not allowed.
type Kind uint8

// The kinds of fields. Repeated is combined with one of the others; repeated numbers may be packed.
const (
	Varint Kind = iota + 1
	Fixed32
	Fixed64
	Bytes // a string, bytes or a message

	Repeated Kind = 1 << 7
)

var types = [...]protowire.Type{Varint: protowire.VarintType, Fixed32: protowire.Fixed32Type, Fixed64: protowire.Fixed64Type, Bytes: protowire.BytesType}

// A Message describes a message: the kinds of its fields, indexed by the fields' numbers, which are
// below 64.
type Message []Kind

// A Field is one field of a message, with its value.
type Field struct {
	Number protowire.Number
	Bytes  []byte // of Bytes and of packed numbers: a slice of the message, not a copy
	Int    uint64 // of Varint
}

// Errors of [Reader.Read].
var (
	// ErrDamaged means that the bytes are not a valid message of the given description.
	ErrDamaged = errors.New("malformed")
	// ErrTooMuch means that the message has more fields than the reader may read.
	ErrTooMuch = errors.New("too many fields")
)

// A Reader reads messages with at most Left fields in total.
type Reader struct{ Left int }

// Read calls each for each field of msg, in order. Its error wraps [ErrDamaged] or [ErrTooMuch], or
// is the error that each has returned.
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
			return fmt.Errorf("%w: field %d has type %d", ErrDamaged, number, kind)
		}
		if bit := uint64(1) << number; want&Repeated == 0 {
			if seen&bit != 0 {
				return fmt.Errorf("%w: field %d occurs twice", ErrDamaged, number)
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

// entry describes an entry of a map.
var entry = Message{1: Bytes, 2: Bytes}

// Entry returns key and value of an entry of a map. The keys must be strings, and the values
// strings or messages.
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
