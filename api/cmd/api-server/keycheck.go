package main

import (
	"fmt"
	"log/slog"

	"github.com/atelier-go/atelier/api/keyring"
)

type keycheckCommand struct {
	File string `arg:"" help:"File of keys, as --keys takes it."`
}

// Run fails where api-server would not start with the file.
func (cmd *keycheckCommand) Run(out output) error {
	ring, err := keyring.Open(cmd.File, slog.New(slog.NewTextHandler(out.stderr, nil)))
	if err != nil {
		return err
	}
	n, keys := ring.Status().Keys, "keys"
	if n == 1 {
		keys = "key"
	}
	_, err = fmt.Fprintf(out.stdout, "%s: valid (%d %s)\n", cmd.File, n, keys)
	return err
}
