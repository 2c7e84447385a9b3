package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// A credential is an API key, and where it came from, for messages that must not
// tell it. Both are empty without one.
type credential struct{ key, from string }

// keyVariable holds the key itself. It is no flag: arguments are for every user
// of the machine to see.
const keyVariable = "ATELIER_API_KEY"

// maxKeyFile bounds what is read of a file that may not be one with a key.
const maxKeyFile = 4 << 10

// credential reads the API key: from --key-file, or else the environment.
func (s *settings) credential(getenv func(string) string) (c credential, err error) {
	text := getenv(keyVariable)
	switch {
	case s.KeyFile != "":
		c.from = s.KeyFile
		if text, err = readKeyFile(s.KeyFile); err != nil {
			return credential{}, err
		}
	case text != "":
		c.from = "$" + keyVariable
	default:
		return credential{}, nil
	}
	c.key = strings.TrimSpace(text)
	if c.key == "" || strings.TrimFunc(c.key, visible) != "" || strings.ContainsFunc(c.key, func(r rune) bool { return !visible(r) }) {
		return credential{}, faultf(errUsage, "%s holds no API key: that is a word of visible ASCII characters and nothing else", c.from)
	}
	return c, nil
}

func readKeyFile(path string) (string, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s: there is no such file with an API key", path)
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return "", err
	}
	return string(bytes.TrimSpace(b)), nil
}

// hint says what to do about an answer that is about the key.
func (c credential) hint(status int) string {
	switch {
	case c.key == "":
		return "; --key-file FILE or $" + keyVariable + " give it one"
	case status == 401:
		return "; it came from " + c.from
	}
	return "; the key came from " + c.from
}
