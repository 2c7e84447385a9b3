package main

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"":                           "",
		"cat-mosaic.jpg":             "cat-mosaic.jpg",
		"Größe, 写真, 🎨, \u00a0\u3000": "Größe, 写真, 🎨, \u00a0\u3000",
		`C:\pictures\new`:            `C:\pictures\new`,
		"a\nb\r\tc":                  `a\u000ab\u000d\u0009c`,
		"\x1b[31m\x7f\x00":           `\u001b[31m\u007f\u0000`,
		"\u009b31m\u0085":            `\u009b31m\u0085`,
		"\u202e\u2066\u200e\u061c":   `\u202e\u2066\u200e\u061c`,
		"\u2028\u2029\ufeff\u200b":   `\u2028\u2029\ufeff\u200b`,
		"\U000e0041":                 `\udb40\udc41`,
		"\xff\xc2a":                  `\ufffd\ufffda`,
		"\x9b31m":                    `\ufffd31m`,
		"\xed\xa0\x80":               `\ufffd\ufffd\ufffd`, // half of a pair, as UTF-8 must not have it
	} {
		if got := escape(in); got != want {
			t.Errorf("escape(%q): got %s, want %s", in, got, want)
		}
	}
	if got := escapeLines("a\u009b\nb\r\n\tc"); got != "a\\u009b\nb\\u000d\n\\u0009c" {
		t.Errorf("escapeLines: got %q", got)
	}
}

func TestEscapeJSON(t *testing.T) {
	got, err := escapeJSON([]byte("{ \"a\" :\n[1e400, \"\u009b\\u001b \\\\\x7f\U000e0041\xff\"] }\n"))
	if want := `{"a":[1e400,"\u009b\u001b \\\u007f\udb40\udc41\ufffd"]}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	for _, bad := range []string{"", "{", "\x1b[31m", "1 2", "\"\n\""} {
		if got, err := escapeJSON([]byte(bad)); err == nil {
			t.Errorf("%q: got %q, want an error", bad, got)
		}
	}
}

func TestShorten(t *testing.T) {
	for in, want := range map[string]string{"": "", "abc": "abc", "abcd": "ab…", "äöü": "äöü", "äöüß": "äö…", "写真写真": "写真…"} {
		if got := shorten(in, 3); got != want || shorten(got, 3) != want {
			t.Errorf("shorten(%q): got %q, want %q", in, got, want)
		}
	}
}

// Every string is reached, however deep.
func TestSanitize(t *testing.T) {
	type inner struct{ Text string }
	v := struct {
		ID    string
		Inner inner
		Many  []inner
		To    *inner
		None  *inner
		At    time.Time
		N     int
	}{"a\n", inner{"b\n"}, []inner{{"c\n"}}, &inner{"d\n"}, nil, time.Unix(1, 0), 7}
	sanitize(&v)
	if v.ID != `a\u000a` || v.Inner.Text != `b\u000a` || v.Many[0].Text != `c\u000a` || v.To.Text != `d\u000a` || v.N != 7 || v.At.Unix() != 1 {
		t.Errorf("got %+v", v)
	}
	long := struct{ Text string }{strings.Repeat("\x1b", 1<<20)}
	if sanitize(&long); utf8.RuneCountInString(long.Text) != longestText {
		t.Errorf("%d characters", utf8.RuneCountInString(long.Text))
	}
	// What answers are read into has no strings that are not reached.
	for _, answer := range []any{new(jobAnswer), new(jobPage), new(styleList), new(redriveAnswer)} {
		sanitize(answer)
	}
}

func FuzzEscape(f *testing.F) {
	for _, seed := range []string{"", "cat", evil, "\\", `\u009b`, "\xff", "\n", strings.Repeat("\u202e", 3000)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := escape(s)
		if !utf8.ValidString(got) {
			t.Errorf("%q is no UTF-8", got)
		}
		for _, r := range got {
			if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co) || r == utf8.RuneError {
				t.Errorf("%q: %U is left", got, r)
			}
		}
		if again := escape(got); again != got {
			t.Errorf("%q becomes %q", got, again)
		}
		if lines := escapeLines(s); strings.Count(lines, "\n") != strings.Count(s, "\n") || escape(strings.ReplaceAll(lines, "\n", "")) != strings.ReplaceAll(lines, "\n", "") {
			t.Errorf("lines become %q", lines)
		}
		short := shorten(got, 100)
		if utf8.RuneCountInString(short) > 100 || !utf8.ValidString(short) || shorten(short, 100) != short || escape(short) != short {
			t.Errorf("shortened to %q", short)
		}
	})
}

func FuzzEscapeJSON(f *testing.F) {
	for _, seed := range []string{`{"a":[1,"b"]}`, "\"\u009b\"", "\"\xff\"", `"\ud800"`, "[\n1,\n2]", quoted(evil), jobWith(map[string]string{"style": quoted(evil)})} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var meant, got any
		bad := json.Unmarshal(raw, &meant)
		line, err := escapeJSON(raw)
		if (err == nil) != json.Valid(raw) {
			t.Fatalf("got %v for %q", err, raw)
		}
		if err != nil || bad != nil { // a number may be too large for Go alone
			return
		}
		if escape(string(line)) != string(line) {
			t.Errorf("%q is not safe", line)
		}
		if err := json.Unmarshal(line, &got); err != nil || !reflect.DeepEqual(got, meant) {
			t.Errorf("%q means %v, want %v (%v)", line, got, meant, err)
		}
		if again, err := escapeJSON(line); err != nil || string(again) != string(line) {
			t.Errorf("%q becomes %q, %v", line, again, err)
		}
	})
}
