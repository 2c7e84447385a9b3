package batch

import "strconv"

// A Path is the name of a file, which need not be UTF-8, with a representation in JSON.
type Path string

// MarshalText preserves all bytes.
//
//nolint:unparam // encoding.TextMarshaler's signature
func (p Path) MarshalText() ([]byte, error) { return []byte(strconv.Quote(string(p))), nil }

// UnmarshalText is the inverse of MarshalText.
func (p *Path) UnmarshalText(b []byte) error {
	s, err := strconv.Unquote(string(b))
	*p = Path(s)
	return err
}

// MaxPath is the length in bytes of the longest path that a journal can hold.
const MaxPath = 64 << 10
