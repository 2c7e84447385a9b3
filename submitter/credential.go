package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"strings"

	"github.com/atelier-go/atelier/submitter/client"
)

// A credential is an API key, and a text that says where it came from, for messages that must not
// contain the key. Without a key both are empty.
type credential struct {
	key, from string
	exposed   bool // it came from a file that other users can read
}

const (
	// keyVariable is the environment variable with the API key. There is no flag for it, because
	// all users of a machine see the arguments of programs.
	keyVariable = "ATELIER_API_KEY"
	// plaintextVariable is the environment variable for --allow-plaintext-key.
	plaintextVariable = "ATELIER_ALLOW_PLAINTEXT_KEY"
)

// maxKeyFile is how many bytes of a key file are read.
const maxKeyFile = 4 << 10

// readCredential reads the API key from a file, or from the environment if file is "".
func readCredential(file string, getenv func(string) string) (c credential, err error) {
	text := getenv(keyVariable)
	switch {
	case file != "":
		c.from = file
		if text, c.exposed, err = readKeyFile(file); err != nil {
			return credential{}, err
		}
	case text != "":
		c.from = "$" + keyVariable
	default:
		return credential{}, nil
	}
	c.key = strings.TrimSpace(text)
	if c.key == "" || strings.ContainsFunc(c.key, func(r rune) bool { return !visible(r) }) {
		return credential{}, errorf(errUsage, "%s holds no API key: a key is one word of visible ASCII characters", c.from)
	}
	return c, nil
}

// visible reports whether a character may occur in a key.
func visible(r rune) bool { return r > ' ' && r <= '~' }

// readKeyFile returns the content of a key file. exposed reports whether users other than the
// file's owner can read it.
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
	// Others can't read a pipe, and Windows has other permissions.
	exposed = info.Mode().IsRegular() && info.Mode()&0o077 != 0 && runtime.GOOS != "windows"
	return string(bytes.TrimSpace(b)), exposed, nil
}

// protectKey returns an error if a key, or a password in --api, would be sent over a network
// without encryption, unless that is allowed. It warns the user of what else puts the key at risk.
func (a *app) protectKey(c credential) error {
	base, what := a.api.Base(), "the API key"
	if c.exposed {
		a.screen.Notice("other users can read the API key in %s: chmod 600 makes it private", c.from)
	}
	if _, password := base.User.Password(); password {
		what = "the password"
	} else if c.key == "" {
		return nil
	}
	if base.Scheme == "https" || isLoopback(base.Hostname()) {
		return nil
	}
	risk := fmt.Sprintf("%s is not encrypted on its way to %s, so that others can read it", what, base.Host)
	if !a.PlaintextKey {
		return errorf(errUsage, "%s: give --api an https address, or send it anyway with --allow-plaintext-key", risk)
	}
	a.screen.Notice("%s: https would protect it", risk)
	return nil
}

// isLoopback reports whether a host is this machine: localhost, or a loopback address.
func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// hint returns what the user can do about an error of the client, as a text to be added to the
// error; "" if nothing is known.
func (c credential) hint(err error) string {
	var status *client.StatusError
	var unknown *net.DNSError
	switch {
	case errors.Is(err, client.ErrUnauthorized) && c.key == "":
		return "; give it one with --key-file FILE or $" + keyVariable
	case errors.As(err, &status) && status.Status == http.StatusUnauthorized:
		return "; it came from " + c.from
	case errors.Is(err, client.ErrUnauthorized):
		return "; the key came from " + c.from
	case errors.As(err, &status) && status.Location != "":
		return "; if that is right, give --api that address"
	case client.Refused(err):
		return ": is it running? scripts/demo starts one; --api names another"
	case errors.As(err, &unknown):
		return "; --api names another"
	case errors.Is(err, client.ErrPlaintextServer):
		return "; give --api that address"
	}
	return ""
}
