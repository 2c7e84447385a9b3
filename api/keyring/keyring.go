// Package keyring holds who may use the API: owners, what each of their keys is
// for, and the keys' SHA-256. The keys themselves are nowhere.
//
// They come from a file or another [Source], a line for each key:
//
//	# owner  scopes       the key's hash
//	anna     submit,read  sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//
// An owner is 1 to 64 of the characters a-z A-Z 0-9 . _ @ - and may have several
// keys, so that one can be replaced without a gap. [New] makes a key and its line.
// What follows a # at the beginning of a line is a comment.
package keyring

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Scope is what a key is for.
type Scope string

// The scopes. Neither of Submit and Read includes the other; Admin includes both.
const (
	Submit Scope = "submit" // submit; cancel, retry and erase one's own jobs
	Read   Scope = "read"   // see one's own jobs
	Admin  Scope = "admin"  // everything of everybody
)

var scopes = []Scope{Submit, Read, Admin}

// A Holder is who holds a key.
type Holder struct {
	Owner  string
	Scopes []Scope
}

// May says whether the key is for that: named among its scopes, or for
// everything.
func (h Holder) May(s Scope) bool {
	return slices.Contains(h.Scopes, s) || slices.Contains(h.Scopes, Admin)
}

// keyPrefix tells people, and programs that look for secrets, what a key is.
const keyPrefix = "atelier_"

// hashPrefix names the hash in a line, so that another can follow it one day.
const hashPrefix = "sha256:"

type hash = [sha256.Size]byte

type entry struct {
	hash   hash
	holder Holder
}

// entries are what a file says.
type entries []entry

// lookup finds the holder of a key. How long it takes tells nothing of the
// hashes: all are compared, each to its end.
func (all entries) lookup(key string) (h Holder, ok bool) {
	sum, found := sha256.Sum256([]byte(key)), -1
	for i := range all {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(sum[:], all[i].hash[:]), i, found)
	}
	if found < 0 {
		return Holder{}, false
	}
	return all[found].holder, true
}

// badLines are the lines of a file that are wrong: how many, and what is wrong with
// the first of them. As an error it names those.
type badLines struct {
	n     int
	first []error // badShown at most
}

const badShown = 20

func (b *badLines) add(err error) {
	if b.n++; b.n <= badShown {
		b.first = append(b.first, err)
	}
}

func (b badLines) Error() string {
	text := errors.Join(b.first...).Error()
	if more := b.n - len(b.first); more > 0 {
		text += fmt.Sprintf("\nwrong lines after these: %d", more)
	}
	return text
}

// parse reads a file's content, each line for itself: bad are those that are wrong,
// with their numbers. A key in two lines counts in neither, since they may differ in
// what they allow.
func parse(content []byte) (all entries, bad badLines) {
	first, twice := map[hash]int{}, map[hash]bool{}
	n := 0
	for line := range bytes.Lines(content) {
		n++
		text := strings.TrimSpace(string(line))
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		e, err := parseLine(text)
		if err == nil && first[e.hash] > 0 {
			err = fmt.Errorf("the same key as in line %d, so that it counts in neither", first[e.hash])
			twice[e.hash] = true
		}
		if err != nil {
			bad.add(fmt.Errorf("line %d: %w", n, err))
			continue
		}
		first[e.hash] = n
		all = append(all, e)
	}
	return slices.DeleteFunc(all, func(e entry) bool { return twice[e.hash] }), bad
}

// parseLine reads one key's line. Its errors quote neither the hash's place nor what
// looks like a key elsewhere.
func parseLine(text string) (e entry, err error) {
	words := strings.Fields(text)
	if len(words) != 3 {
		return e, fmt.Errorf("three words are needed (an owner, scopes such as submit,read without spaces, and sha256:...), not %d", len(words))
	}
	if e.holder, err = NewHolder(words[0], strings.Split(words[1], ",")); err != nil {
		return e, err
	}
	digits, ok := strings.CutPrefix(words[2], hashPrefix)
	if !ok {
		return e, errors.New("the third word must be sha256: and the hash; the key itself must not be in the file")
	}
	sum, err := hex.DecodeString(digits)
	if err != nil || len(sum) != sha256.Size {
		return e, fmt.Errorf("the hash must be %d hexadecimal digits", 2*sha256.Size)
	}
	e.hash = hash(sum)
	return e, nil
}

// NewHolder checks an owner's name and the names of scopes.
func NewHolder(owner string, names []string) (Holder, error) {
	if owner == "" || len(owner) > 64 || strings.ContainsFunc(owner, isNotInNames) {
		return Holder{}, fmt.Errorf("the owner %.70q: must be 1 to 64 of a-z A-Z 0-9 . _ @ -", redactKey(owner))
	}
	h := Holder{Owner: owner}
	for _, name := range names {
		s := Scope(name)
		if !slices.Contains(scopes, s) {
			return Holder{}, fmt.Errorf("there is no scope %.40q, but %v", redactKey(name), scopes)
		}
		if slices.Contains(h.Scopes, s) {
			return Holder{}, fmt.Errorf("the scope %s twice", s)
		}
		h.Scopes = append(h.Scopes, s)
	}
	return h, nil
}

// withoutKey is a word of a line that may be shown.
func redactKey(word string) string {
	if before, _, found := strings.Cut(word, keyPrefix); found {
		return before + "..."
	}
	return word
}

func isNotInNames(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._@-", r)
}

// New makes a key, and the line for the file, which does not tell the key. A key
// has 130 bits of chance, so that its plain hash can't be turned back.
func New(h Holder) (key, line string) {
	key = keyPrefix + rand.Text()
	sum := sha256.Sum256([]byte(key))
	names := make([]string, len(h.Scopes))
	for i, s := range h.Scopes {
		names[i] = string(s)
	}
	return key, h.Owner + "  " + strings.Join(names, ",") + "  " + hashPrefix + hex.EncodeToString(sum[:])
}
