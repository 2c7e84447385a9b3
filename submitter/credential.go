package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"runtime"
	"strings"
)

// A credential is an API key, and where it came from, for messages that must not
// tell it. Both are empty without one.
type credential struct {
	key, from string
	exposed   bool // it came from a file that other users can read
}

// keyVariable holds the key itself. It is no flag: arguments are for every user
// of the machine to see.
const keyVariable = "ATELIER_API_KEY"

// plaintextVariable stands for --allow-plaintext-key.
const plaintextVariable = "ATELIER_ALLOW_PLAINTEXT_KEY"

// maxKeyFile bounds what is read of a file that may not be one with a key.
const maxKeyFile = 4 << 10

// credential reads the API key: from --key-file, or else the environment.
func (s *settings) credential(getenv func(string) string) (c credential, err error) {
	text := getenv(keyVariable)
	switch {
	case s.KeyFile != "":
		c.from = s.KeyFile
		if text, c.exposed, err = readKeyFile(s.KeyFile); err != nil {
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

// readKeyFile also says whether users other than the file's owner can read it.
func readKeyFile(path string) (text string, exposed bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, fmt.Errorf("%s: there is no such file with an API key", path)
	}
	if err != nil {
		return "", false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", false, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return "", false, err
	}
	// A pipe is nobody else's, and Windows has other permissions than these.
	exposed = info.Mode().IsRegular() && info.Mode()&0o077 != 0 && runtime.GOOS != "windows"
	return string(bytes.TrimSpace(b)), exposed, nil
}

// protectKey refuses to send a key, or a password in --api, over a network without
// encryption, unless that is allowed, and remarks on what puts it at risk.
func (a *app) protectKey() error {
	c, what := a.api, "the API key"
	if c.exposed {
		a.screen.note("other users can read the API key in %s: chmod 600 makes it yours alone", c.from)
	}
	if _, password := c.base.User.Password(); password {
		what = "the password"
	} else if c.key == "" {
		return nil
	}
	if c.base.Scheme == "https" || isLoopback(c.base.Hostname()) {
		return nil
	}
	risk := fmt.Sprintf("%s is not encrypted on its way to %s, so that others can read it", what, c.base.Host)
	if !a.PlaintextKey {
		return faultf(errUsage, "%s: give --api an https address, or send it all the same with --allow-plaintext-key", risk)
	}
	a.screen.note("%s: https would protect it", risk)
	return nil
}

// isLoopback says whether a host is this machine: localhost, or a loopback address.
func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
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
