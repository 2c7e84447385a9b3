package main

import (
	"context"
	"fmt"
)

type stylesCommand struct{}

// Help returns the text of the command's help page; kong calls it.
func (stylesCommand) Help() string {
	return `Prints a line for each style: its name, for submit --style, and its title.`
}

// widestStyle is the largest width of the column of names. If a name is longer, only its own title
// moves to the right.
const widestStyle = 40

// Run lists the styles.
func (stylesCommand) Run(ctx context.Context, a *app) error {
	list, err := a.api.Styles(ctx)
	if err != nil {
		return err
	}
	if a.JSON {
		return a.printJSON(list.JSON)
	}
	width := 0
	for _, s := range list.Styles {
		width = max(width, min(len(s.Name), widestStyle))
	}
	for _, s := range list.Styles {
		if err := a.print(fmt.Sprintf("%-*s  %s", width, s.Name, s.Title)); err != nil {
			return err
		}
	}
	return nil
}
