package batch

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/atelier-go/atelier/submitter/picture"
)

// NameResults decides to which file the result of each picture goes. The files are below the folder
// out, in the same subfolders as the pictures. style and format are those of the jobs, as in
// [picture.ResultName]. No two names are equal, even if upper and lower case are not distinguished.
func NameResults(inputs []*Input, out, style, format string) {
	taken, numbers := map[string]bool{}, map[string]int{}
	for _, in := range inputs {
		wanted := filepath.Join(filepath.Dir(in.below), picture.ResultName(in.below, style, format))
		name, extension := wanted, filepath.Ext(wanted)
		number := max(numbers[strings.ToLower(wanted)], 1)
		for taken[strings.ToLower(name)] {
			number++
			name = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(wanted, extension), number, extension)
		}
		numbers[strings.ToLower(wanted)] = number
		taken[strings.ToLower(name)] = true
		in.Result = Path(filepath.Join(out, name))
	}
}

// MakeFolders creates the folders of the results; there must be at least one result. If results
// exist already and force is not set, it creates nothing and returns a [picture.ExistsError].
func MakeFolders(inputs []*Input, force bool) error {
	var existing []string
	for _, in := range inputs {
		if _, err := os.Lstat(string(in.Result)); err == nil {
			existing = append(existing, string(in.Result))
		}
	}
	if !force && len(existing) > 0 {
		return &picture.ExistsError{Path: existing[0], Others: len(existing) - 1}
	}
	made := map[string]bool{}
	for _, in := range inputs {
		folder := filepath.Dir(string(in.Result))
		if made[folder] {
			continue
		}
		made[folder] = true
		if err := picture.MakeFolder(folder); err != nil {
			return err
		}
	}
	return picture.CheckWritable(string(inputs[0].Result))
}
