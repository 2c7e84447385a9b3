package main

import (
	"fmt"

	"github.com/atelier-go/atelier/api/keyring"
)

type keygenCommand struct {
	Owner  string   `required:"" help:"Whose the key is, and the jobs that are made with it: 1 to 64 of a-z A-Z 0-9 . _ @ -. An owner may have several keys." placeholder:"NAME"`
	Scopes []string `default:"submit,read" help:"What it is for: submit (submit jobs; cancel, retry and erase them), read (see them), admin (everything of everybody)." placeholder:"SCOPE,..."`
}

// Help is kong's hook for a command's page.
func (keygenCommand) Help() string {
	return `Shows a new key on standard error, this once: nothing keeps it. On standard output
is its line for the file of --keys, which tells only the key's SHA-256:

  api-server keygen --owner anna >> keys`
}

// Run makes a key.
func (cmd *keygenCommand) Run(out output) error {
	holder, err := keyring.NewHolder(cmd.Owner, cmd.Scopes)
	if err != nil {
		return err
	}
	key, line := keyring.New(holder)
	if _, err := fmt.Fprintln(out.stdout, line); err != nil {
		return fmt.Errorf("write to standard output: %w", err)
	}
	fmt.Fprintf(out.stderr, "the key, shown this once: %s\n", key)
	return nil
}
