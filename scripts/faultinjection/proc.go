//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A running process, as /proc lists it.
type running struct {
	pid, parent, group int
	name               string // of the program, cut at 15 bytes
}

// processTable lists all processes except zombies.
func processTable() (all []running) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// pid (name) state parent group ...
		head, rest, _ := strings.Cut(string(b), ") ")
		var r running
		var state string
		_, err = fmt.Sscan(head, &r.pid)
		_, r.name, _ = strings.Cut(head, "(")
		if _, rerr := fmt.Sscan(rest, &state, &r.parent, &r.group); err == nil && rerr == nil && state != "Z" {
			all = append(all, r)
		}
	}
	return all
}
