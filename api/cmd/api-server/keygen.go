package main

import (
	"fmt"

	"github.com/atelier-go/atelier/api/keyring"
)

type keygenCommand struct {
	Owner  string   `required:"" help:"Owner of the key and of the jobs that are submitted with it: 1 to 64 of a-z A-Z 0-9 . _ @ -. An owner may have several keys." placeholder:"NAME"`
	Scopes []string `default:"submit,read" help:"What the key allows: submit (submit jobs; cancel, retry and erase them), read (see them), admin (everything, for the jobs of all owners)." placeholder:"SCOPE,..."`
}

// Help returns the text of the command's help page; kong calls it.
func (keygenCommand) Help() string {
	return `Prints a new key on standard error. It is not stored, so this is the only time that it
is shown. The line on standard output is for the file of --keys and contains only the
key's SHA-256:

  api-server keygen --owner anna >> keys`
}

// Run makes a key.
func (cmd *keygenCommand) Run(p process) error {
	holder, err := keyring.NewHolder(cmd.Owner, cmd.Scopes)
	if err != nil {
		return err
	}
	key, line := keyring.New(holder)
	if _, err := fmt.Fprintln(p.stdout, line); err != nil {
		return fmt.Errorf("write to standard output: %w", err)
	}
	fmt.Fprintf(p.stderr, "the key, shown this once: %s\n", key)
	return nil
}
