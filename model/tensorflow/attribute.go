package tensorflow

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/atelier-go/atelier/model/internal/wire"
)

// maxNested limits how deep functions with attributes may be nested in an attribute.
const maxNested = 8

// attr checks an attribute, and appends the functions that it names to calls. nested is how deep it
// is nested.
func (p *parser) attr(entry []byte, calls *[]string, nested int) error {
	name, value, err := p.Entry(entry)
	if err != nil {
		return err
	}
	members := 0
	return p.Read(value, attrValue, func(f wire.Field) error {
		if members++; members > 1 {
			return fmt.Errorf("%w: attribute %q has two values", wire.ErrDamaged, name)
		}
		switch f.Number {
		case 1:
			return p.Read(f.Bytes, attrList, func(f wire.Field) error {
				switch f.Number {
				case 8:
					return p.tensor(f.Bytes)
				case 9:
					return p.call(f.Bytes, calls, nested)
				}
				return nil
			})
		case 2:
			return checkText(name, f.Bytes)
		case 8:
			return p.tensor(f.Bytes)
		case 9:
			return fmt.Errorf("attribute %.99q is a placeholder, which a finished model does not have", name)
		case 10:
			return p.call(f.Bytes, calls, nested)
		}
		return nil
	})
}

func (p *parser) call(b []byte, calls *[]string, nested int) error {
	if nested++; nested > maxNested {
		return fmt.Errorf("attributes are nested more than %d deep", maxNested)
	}
	name := ""
	err := p.Read(b, nameAttrList, func(f wire.Field) error {
		if f.Number == 2 {
			return p.attr(f.Bytes, calls, nested)
		}
		name = string(f.Bytes)
		return nil
	})
	*calls = append(*calls, name)
	return err
}

// tensor refuses a tensor that holds anything but numbers and text.
func (p *parser) tensor(b []byte) error {
	return p.Read(b, tensorDef, func(f wire.Field) error {
		const resource, variant, reference = 20, 21, 100
		if f.Number == 1 && (f.Int%reference == resource || f.Int%reference == variant) {
			return errors.New("a constant holds a handle of a running program instead of numbers")
		}
		return nil
	})
}

// checkText refuses an attribute that changes how TensorFlow runs a function in a way that exports
// from Python don't.
func checkText(name string, value []byte) error {
	switch name {
	case "executor_type", "config":
		if len(value) > 0 {
			return fmt.Errorf("attribute %s is %.99q, and only an empty value is accepted: export the model without it", name, value)
		}
	case "config_proto":
		// A ConfigProto: devices (1, 6, 18), threads (2, 5, 9), placement (7, 8, 15), and an
		// empty message of experiments (16) are accepted.
		for rest := value; len(rest) > 0; {
			number, kind, size := protowire.ConsumeTag(rest)
			if size < 0 {
				return wire.ErrDamaged
			}
			of := protowire.ConsumeFieldValue(number, kind, rest[size:])
			if of < 0 {
				return wire.ErrDamaged
			}
			switch number {
			case 1, 2, 5, 6, 7, 8, 9, 15, 18:
			case 16:
				if of > 1 {
					return errors.New("attribute config_proto enables an experiment: export the model without it")
				}
			default:
				return fmt.Errorf("attribute config_proto sets field %d, which is not about devices or threads: export the model without it", number)
			}
			rest = rest[size+of:]
		}
	}
	return nil
}
