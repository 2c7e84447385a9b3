// Package keyring checks API keys. For each key it has the owner, the scopes, and the key's SHA-256; the
// keys themselves are not stored.
//
// The list is read from a file or another [Source], one line for each key:
//
//	# owner  scopes       the key's hash
//	anna     submit,read  sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//
// An owner is 1 to 64 of the characters a-z A-Z 0-9 . _ @ - and may have several keys, so that one can be
// replaced without an interruption. [New] makes a key and its line. Lines that start with # are
// comments.
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

// A Scope is a set of operations that a key allows.
type Scope string

// The scopes. Neither of Submit and Read includes the other; Admin includes both.
const (
	Submit Scope = "submit" // submit jobs; cancel, retry and erase the owner's
	Read   Scope = "read"   // read the owner's jobs
	Admin  Scope = "admin"  // all operations on all jobs
)

var scopes = []Scope{Submit, Read, Admin}

// A Holder is the owner of a key and what the key allows.
type Holder struct {
	Owner  string
	Scopes []Scope
}

// May reports whether the key has the scope, or [Admin].
func (h Holder) May(s Scope) bool {
	return slices.Contains(h.Scopes, s) || slices.Contains(h.Scopes, Admin)
}

// keyPrefix makes keys recognisable to people and to programs that search for secrets.
const keyPrefix = "atelier_"

// hashPrefix names the kind of hash in a line, so that another kind can be added later.
const hashPrefix = "sha256:"

type hash = [sha256.Size]byte

type entry struct {
	hash   hash
	holder Holder
}

// entries are the valid lines of a list.
type entries []entry

// lookup returns the holder of a key. It compares the key's hash with all others, each to its end,
// so that the time it takes reveals nothing about them. ok is false if no line has the key.
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

// badLines describes the invalid lines of a list: how many there are, and the errors of the first
// few. It is an error whose text contains those.
type badLines struct {
	n     int
	first []error // at most badShown
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
		text += fmt.Sprintf("\nmore invalid lines: %d", more)
	}
	return text
}

// parse parses a list of keys line by line. bad describes the invalid lines. If two lines have the
// same key, both are invalid, because their scopes may differ.
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
			err = fmt.Errorf("the same key as in line %d: both lines are ignored", first[e.hash])
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

// parseLine parses the line of one key. Its errors contain neither the third word, nor anything
// that looks like a key.
func parseLine(text string) (e entry, err error) {
	words := strings.Fields(text)
	if len(words) != 3 {
		return e, fmt.Errorf("a line has three words (an owner, scopes such as submit,read without spaces, and sha256:...), not %d", len(words))
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

// NewHolder returns a holder with an owner's name and the scopes of the given names, or an error if
// one of them is invalid.
func NewHolder(owner string, names []string) (Holder, error) {
	if owner == "" || len(owner) > 64 || strings.ContainsFunc(owner, isNotInNames) {
		return Holder{}, fmt.Errorf("the owner %.70q: must be 1 to 64 of a-z A-Z 0-9 . _ @ -", redactKey(owner))
	}
	h := Holder{Owner: owner}
	for _, name := range names {
		s := Scope(name)
		if !slices.Contains(scopes, s) {
			return Holder{}, fmt.Errorf("unknown scope %.40q; the scopes are %v", redactKey(name), scopes)
		}
		if slices.Contains(h.Scopes, s) {
			return Holder{}, fmt.Errorf("the scope %s appears twice", s)
		}
		h.Scopes = append(h.Scopes, s)
	}
	return h, nil
}

// redactKey returns a word of a line, without anything that looks like a key, for error messages.
func redactKey(word string) string {
	if before, _, found := strings.Cut(word, keyPrefix); found {
		return before + "..."
	}
	return word
}

func isNotInNames(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._@-", r)
}

// New makes a random key, and the line for the list that allows it. The key can't be found from the
// line: it has 130 random bits, so a plain hash is enough.
func New(h Holder) (key, line string) {
	key = keyPrefix + rand.Text()
	sum := sha256.Sum256([]byte(key))
	names := make([]string, len(h.Scopes))
	for i, s := range h.Scopes {
		names[i] = string(s)
	}
	return key, h.Owner + "  " + strings.Join(names, ",") + "  " + hashPrefix + hex.EncodeToString(sum[:])
}
