// Package escape makes text safe to be shown on a terminal. A string in a response may contain
// control characters (C0 and C1), line ends, characters that change the direction of text, and
// invisible ones. The strings of a response are escaped when they are read ([Strings]), and all
// output again when it is written ([Lines], [JSON]), because text also comes from elsewhere, such
// as network errors.
package escape

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"
)

// LongestText is the length, in characters, to which [Strings] shortens strings.
const LongestText = 2000

// Text returns s in a form that is safe to be shown on a terminal, as one line. Characters that
// can't be seen, such as line ends, are written as \uXXXX, as in JSON, and bytes that are not UTF-8
// as \ufffd. Spaces of all kinds stay. Text(Text(s)) is equal to Text(s).
func Text(s string) string {
	if !strings.ContainsFunc(s, invisible) {
		return s
	}
	return string(appendEscaped(nil, s))
}

// Lines is like [Text], for a text in which the program itself has put line ends, which stay.
func Lines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = Text(line)
	}
	return strings.Join(lines, "\n")
}

// JSON returns a JSON value as one line, with its strings escaped. Its meaning stays the same. If
// raw is not valid JSON, it returns an error.
func JSON(raw []byte) ([]byte, error) {
	var line bytes.Buffer
	if err := json.Compact(&line, raw); err != nil {
		return nil, err
	}
	// JSON allows invisible characters inside strings only, and none after a backslash.
	return appendEscaped(nil, line.String()), nil
}

// invisible reports whether a character must be escaped. Bytes that are not UTF-8 become
// utf8.RuneError in a range over a string, which must be escaped too.
func invisible(r rune) bool { return !unicode.IsGraphic(r) || r == utf8.RuneError }

func appendEscaped(b []byte, s string) []byte {
	for _, r := range s {
		switch {
		case !invisible(r):
			b = utf8.AppendRune(b, r)
		case r > 0xffff:
			r -= 0x10000
			b = fmt.Appendf(b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			b = fmt.Appendf(b, `\u%04x`, r)
		}
	}
	return b
}

// Shorten returns s if it has at most limit characters. Otherwise it returns its beginning and an
// ellipsis, limit characters in total.
func Shorten(s string, limit int) string {
	n := 0
	for i := range s {
		if n++; n == limit && utf8.RuneCountInString(s[i:]) > 1 {
			return s[:i] + "…"
		}
	}
	return s
}

// Strings escapes all strings in the value that v points to, and shortens each to
// [LongestText] characters. It panics on maps, interfaces and arrays, which types of
// responses don't have.
func Strings(v any) { escapeStrings(reflect.ValueOf(v)) }

func escapeStrings(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(Shorten(Text(v.String()), LongestText))
	case reflect.Pointer:
		if !v.IsNil() {
			escapeStrings(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			escapeStrings(v.Index(i))
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			if field.CanSet() { // unexported fields, such as a time's, can't be set
				escapeStrings(field)
			}
		}
	case reflect.Map, reflect.Interface, reflect.Array:
		panic(fmt.Sprintf("escape: strings in a %s are not supported", v.Type()))
	default: // numbers and booleans
	}
}
