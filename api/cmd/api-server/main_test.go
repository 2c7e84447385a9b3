package main

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/api/keyring"
)

func TestKeygen(t *testing.T) {
	var line, shown bytes.Buffer
	if err := run(t.Context(), []string{"keygen", "--owner", "anna", "--scopes", "submit,read"}, os.Getenv, &line, &shown); err != nil {
		t.Fatal(err)
	}
	_, key, _ := strings.Cut(strings.TrimSpace(shown.String()), "once: ")
	file := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(file, line.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	ring, err := keyring.Open(file, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	h, ok := ring.Lookup(key)
	if !ok || h.Owner != "anna" || !h.May(keyring.Submit) || !h.May(keyring.Read) || h.May(keyring.Admin) {
		t.Errorf("the key %q is %+v's, %v", key, h, ok)
	}
	if strings.Contains(line.String(), key) || strings.Count(line.String(), "\n") != 1 {
		t.Errorf("the file's line is %q", line.String())
	}
	for _, args := range [][]string{{}, {"--owner", ""}, {"--owner", "a b"}, {"--owner", "anna", "--scopes", "write"}} {
		if err := run(t.Context(), append([]string{"keygen"}, args...), os.Getenv, io.Discard, io.Discard); err == nil {
			t.Errorf("keygen %q made a key", args)
		}
	}
}

func TestRefusesToStart(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(keys, []byte("anna read me"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"without a directory":            {nil, "--dir"},
		"with bad keys":                  {[]string{"--dir", t.TempDir(), "--keys", keys}, keys + ": line 1: the third word"},
		"with bad keys, command serve":   {[]string{"serve", "--dir", t.TempDir(), "--keys", keys}, "line 1"},
		"with keys that are not there":   {[]string{"--dir", t.TempDir(), "--keys", keys + "2"}, "no such file"},
		"with a setting it doesn't know": {[]string{"--dir", t.TempDir(), "--key", "x"}, "--key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("ATELIER_DIR", t.TempDir()) // it is not read from the process
			if err := run(t.Context(), c.args, func(string) string { return "" }, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestPublicAddressesNeedKeys(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0"} {
		var said bytes.Buffer
		log := slog.New(slog.NewTextHandler(&said, nil))
		if l, err := listen(address, false, log); err == nil || !strings.Contains(err.Error(), "--keys") {
			t.Errorf("%s without keys: %v, %v", address, l, err)
		}
		l, err := listen(address, true, log)
		if err != nil {
			t.Errorf("%s with keys: %v", address, err)
			continue
		}
		l.Close()
		if !strings.Contains(said.String(), "not encrypted") {
			t.Errorf("%s: no warning: %s", address, said.String())
		}
	}
	for _, keys := range []bool{false, true} {
		var said bytes.Buffer
		l, err := listen("127.0.0.1:0", keys, slog.New(slog.NewTextHandler(&said, nil)))
		if err != nil || said.Len() > 0 || !l.Addr().(*net.TCPAddr).IP.IsLoopback() {
			t.Errorf("loopback, keys %v: %v %s", keys, err, said.String())
			continue
		}
		l.Close()
	}
}
