package main

import (
	"testing"
)

func TestShellWord(t *testing.T) {
	for in, want := range map[string]string{
		"out.jpg": "out.jpg", "": "''", "the cat.jpg": "'the cat.jpg'", "it's": `'it'\''s'`,
		"a;b": "'a;b'", "a\x1b[31m": `$'a\x1b[31m'`,
	} {
		if got := shellWord(in); got != want {
			t.Errorf("shellWord(%q): got %s, want %s", in, got, want)
		}
	}
}
