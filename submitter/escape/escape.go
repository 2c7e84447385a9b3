package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A string in an answer may be meant for the terminal that shows it: it can hold control
// characters of both ranges (C0 and C1), line ends, and characters that turn the direction
// of text or can't be seen. So an answer's strings are escaped when they are read
// (sanitize), and all output again when it is written (escapeLines, escapeJSON), for what
// came another way, such as in an error of the network.

// longestText is how many characters of a string in an answer are kept.
const longestText = 2000

// escape makes s safe to show on a terminal, in one line: characters that can't be seen
// are written as \uXXXX, as in JSON, and so are line ends. Spaces of all kinds stay.
// What is no UTF-8 becomes \ufffd. To escape twice is to escape once.
func escape(s string) string {
	if !strings.ContainsFunc(s, hidden) {
		return s
	}
	return string(appendEscaped(nil, s))
}

// escapeLines is escape for a text in which the program itself has put line ends.
func escapeLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = escape(line)
	}
	return strings.Join(lines, "\n")
}

// escapeJSON is the JSON value raw in one line, with its strings escaped: it means what it
// meant. The error is that of what is no JSON.
func escapeJSON(raw []byte) ([]byte, error) {
	var line bytes.Buffer
	if err := json.Compact(&line, raw); err != nil {
		return nil, err
	}
	// Outside of strings, and after a backslash, JSON has none of the hidden characters.
	return appendEscaped(nil, line.String()), nil
}

// hidden says of a character whether it is to be escaped. utf8.RuneError is what a range
// over a string has for bytes that are no UTF-8.
func hidden(r rune) bool { return !unicode.IsGraphic(r) || r == utf8.RuneError }

func appendEscaped(b []byte, s string) []byte {
	for _, r := range s {
		switch {
		case !hidden(r):
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

// shorten leaves the first characters of s, most of them, the last of which is an
// ellipsis where more were left out.
func shorten(s string, most int) string {
	n := 0
	for i := range s {
		if n++; n == most && utf8.RuneCountInString(s[i:]) > 1 {
			return s[:i] + "…"
		}
	}
	return s
}

// sanitize escapes and shortens all strings in what v points to, which was read from
// JSON.
func sanitize(v any) { sanitizeValue(reflect.ValueOf(v)) }

func sanitizeValue(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(shorten(escape(v.String()), longestText))
	case reflect.Pointer:
		if !v.IsNil() {
			sanitizeValue(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			sanitizeValue(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Field(i); field.CanSet() { // a time's own fields can't be
				sanitizeValue(field)
			}
		}
	case reflect.Map, reflect.Interface, reflect.Array:
		panic(fmt.Sprintf("sanitize can't reach what is in a %s", v.Type()))
	default: // numbers and truth values
	}
}
