package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// nameResults gives each input the file that its result goes to, below the same
// folders as the input, and no two the same, also where a file system takes small
// letters for capitals.
func (cmd *submitCommand) nameResults(inputs []*input) {
	taken, numbers := map[string]bool{}, map[string]int{}
	for _, in := range inputs {
		wanted := filepath.Join(filepath.Dir(in.below), cmd.resultName(in.below))
		name, ext := wanted, filepath.Ext(wanted)
		number := max(numbers[strings.ToLower(wanted)], 1)
		for taken[strings.ToLower(name)] {
			number++
			name = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(wanted, ext), number, ext)
		}
		numbers[strings.ToLower(wanted)] = number
		taken[strings.ToLower(name)] = true
		in.Result = path(filepath.Join(cmd.Out, name))
	}
}

// makeFolders makes the folders of the results, after a look at whether all of
// these can go there: nothing is sent before that.
func (cmd *submitCommand) makeFolders(inputs []*input) error {
	var there []string
	for _, in := range inputs {
		if _, err := os.Lstat(string(in.Result)); err == nil {
			there = append(there, string(in.Result))
		}
	}
	switch {
	case cmd.Force || len(there) == 0:
	case len(there) == 1:
		return fmt.Errorf("%s exists already; nothing was sent, --force replaces it", there[0])
	default:
		return fmt.Errorf("%s exists already, and %d more; nothing was sent, --force replaces them", there[0], len(there)-1)
	}
	made := map[string]bool{}
	for _, in := range inputs {
		folder := filepath.Dir(string(in.Result))
		if made[folder] {
			continue
		}
		made[folder] = true
		if err := makeFolder(folder); err != nil {
			return err
		}
	}
	probe, err := (&destination{path: string(inputs[0].Result)}).create()
	if err != nil {
		return err
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}
