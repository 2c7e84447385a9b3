package escape

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func TestText(t *testing.T) {
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
		"\xed\xa0\x80":               `\ufffd\ufffd\ufffd`, // half of a surrogate pair, which is not UTF-8
	} {
		if got := Text(in); got != want {
			t.Errorf("Text(%q): got %s, want %s", in, got, want)
		}
	}
	if got := Lines("a\u009b\nb\r\n\tc"); got != "a\\u009b\nb\\u000d\n\\u0009c" {
		t.Errorf("Lines: got %q", got)
	}
}

func TestJSON(t *testing.T) {
	got, err := JSON([]byte("{ \"a\" :\n[1e400, \"\u009b\\u001b \\\\\x7f\U000e0041\xff\"] }\n"))
	if want := `{"a":[1e400,"\u009b\u001b \\\u007f\udb40\udc41\ufffd"]}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	for _, bad := range []string{"", "{", "\x1b[31m", "1 2", "\"\n\""} {
		if got, err := JSON([]byte(bad)); err == nil {
			t.Errorf("%q: got %q, want an error", bad, got)
		}
	}
}

func TestShorten(t *testing.T) {
	for in, want := range map[string]string{"": "", "abc": "abc", "abcd": "ab…", "äöü": "äöü", "äöüß": "äö…", "写真写真": "写真…"} {
		if got := Shorten(in, 3); got != want || Shorten(got, 3) != want {
			t.Errorf("Shorten(%q): got %q, want %q", in, got, want)
		}
	}
}

// All strings are escaped, at any depth.
func TestStrings(t *testing.T) {
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
	Strings(&v)
	if v.ID != `a\u000a` || v.Inner.Text != `b\u000a` || v.Many[0].Text != `c\u000a` || v.To.Text != `d\u000a` || v.N != 7 || v.At.Unix() != 1 {
		t.Errorf("got %+v", v)
	}
	long := struct{ Text string }{strings.Repeat("\x1b", 1<<20)}
	if Strings(&long); utf8.RuneCountInString(long.Text) != LongestText {
		t.Errorf("%d characters", utf8.RuneCountInString(long.Text))
	}
}

// evil sets the terminal's title, clears the screen, colours in C1, changes the direction
// of text, and ends with bytes that are not UTF-8.
const evil = "evil\nforged  x\r\x1b]0;owned\a\x1b[2J\u009b31m\u0085\u202e\u2066\u2028\u2029\x7f\u200b\U000e0041\xff\xc2"

func FuzzText(f *testing.F) {
	for _, seed := range []string{"", "cat", evil, "\\", `\u009b`, "\xff", "\n", strings.Repeat("\u202e", 3000)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Text(s)
		if !utf8.ValidString(got) {
			t.Errorf("%q is not UTF-8", got)
		}
		for _, r := range got {
			if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co) || r == utf8.RuneError {
				t.Errorf("%q: %U is left", got, r)
			}
		}
		if again := Text(got); again != got {
			t.Errorf("%q becomes %q", got, again)
		}
		if lines := Lines(s); strings.Count(lines, "\n") != strings.Count(s, "\n") || Text(strings.ReplaceAll(lines, "\n", "")) != strings.ReplaceAll(lines, "\n", "") {
			t.Errorf("lines become %q", lines)
		}
		short := Shorten(got, 100)
		if utf8.RuneCountInString(short) > 100 || !utf8.ValidString(short) || Shorten(short, 100) != short || Text(short) != short {
			t.Errorf("shortened to %q", short)
		}
	})
}

func FuzzJSON(f *testing.F) {
	for _, seed := range []string{`{"a":[1,"b"]}`, "\"\u009b\"", "\"\xff\"", `"\ud800"`, "[\n1,\n2]", `{"id":"x","style":"` + "\u009b31m\u202e\u2028\x7f\U000e0041\xff" + `\u001b]0;"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var meant, got any
		bad := json.Unmarshal(raw, &meant)
		line, err := JSON(raw)
		if (err == nil) != json.Valid(raw) {
			t.Fatalf("got %v for %q", err, raw)
		}
		if err != nil || bad != nil { // a number may be too large for Go alone
			return
		}
		if Text(string(line)) != string(line) {
			t.Errorf("%q is not safe", line)
		}
		if err := json.Unmarshal(line, &got); err != nil || !reflect.DeepEqual(got, meant) {
			t.Errorf("%q means %v, want %v (%v)", line, got, meant, err)
		}
		if again, err := JSON(line); err != nil || string(again) != string(line) {
			t.Errorf("%q becomes %q, %v", line, again, err)
		}
	})
}
