package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/atelier-go/atelier/api/cmd/internal/keys"
)

type keycheckCommand struct {
	Keys keys.Setting `arg:"" help:"The list of API keys, as for --keys: ${keys}."`
}

// Run returns an error if api-server would not start with the keys.
func (cmd *keycheckCommand) Run(ctx context.Context, p process) error {
	ring, err := keys.Opener{Getenv: p.getenv, Log: slog.New(slog.NewTextHandler(p.stderr, nil))}.Open(ctx, cmd.Keys)
	if err != nil {
		return err
	}
	n, unit := ring.Status().Keys, "keys"
	if n == 1 {
		unit = "key"
	}
	_, err = fmt.Fprintf(p.stdout, "%s: valid (%d %s)\n", cmd.Keys, n, unit)
	return err
}
