package cgroup

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A controller is a folder in which control groups are made, with the limits that they have.
type controller struct {
	folder string
	limits func(Share) []limit
}

type limit struct {
	file     string
	value    any
	optional bool // some kernels don't have it
}

func limits2(s Share) []limit {
	return append(memoryLimits(s, "memory.max", limit{"memory.swap.max", 0, true}), limit{"cpu.max", fmt.Sprintf("%d %d", s.quota(), s.period()), false})
}

func limitsMemory1(s Share) []limit {
	return memoryLimits(s, "memory.limit_in_bytes", limit{"memory.memsw.limit_in_bytes", s.Memory, true})
}

func memoryLimits(s Share, file string, more limit) []limit {
	if s.Memory == 0 {
		return nil
	}
	return []limit{{file, s.Memory, false}, more}
}

func limitsCPU1(s Share) []limit {
	return []limit{{"cpu.cfs_period_us", s.period(), false}, {"cpu.cfs_quota_us", s.quota(), false}}
}

// controllers finds the folders for memory and processors: in version 2 the root, because a group
// with processes can't have subgroups with controllers, in version 1 below the groups of this
// process.
func controllers(dir string) ([]controller, error) {
	if dir != "" {
		return version2(dir)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, &UnavailableError{"this system has no control groups"}
	}
	var one []controller
	two := ""
	for line := range strings.Lines(string(mounts)) {
		// 33 23 0:28 / /sys/fs/cgroup/memory rw,... - cgroup cgroup rw,memory
		place, kind, _ := strings.Cut(line, " - ")
		f, k := strings.Fields(place), strings.Fields(kind)
		switch {
		case len(f) < 5 || len(k) < 3:
		case k[0] == "cgroup2":
			two = f[4]
		case k[0] == "cgroup":
			options := strings.Split(k[2], ",")
			if slices.Contains(options, "memory") {
				one = append(one, controller{filepath.Join(f[4], ownGroup("memory")), limitsMemory1})
			}
			if slices.Contains(options, "cpu") {
				one = append(one, controller{filepath.Join(f[4], ownGroup("cpu")), limitsCPU1})
			}
		}
	}
	switch {
	case len(one) == 2:
		return one, nil
	case two != "":
		return version2(two)
	}
	return nil, &UnavailableError{"no control groups with memory and cpu are mounted"}
}

func version2(dir string) ([]controller, error) {
	file := filepath.Join(dir, "cgroup.subtree_control")
	enabled, err := os.ReadFile(file)
	if err != nil {
		return nil, &UnavailableError{"no control group of version 2: " + err.Error()}
	}
	for _, want := range []string{"cpu", "memory"} {
		if !slices.Contains(strings.Fields(string(enabled)), want) {
			return nil, &UnavailableError{fmt.Sprintf("the groups below %s don't have the controller %s: echo +cpu +memory | sudo tee %s", dir, want, file)}
		}
	}
	return []controller{{dir, limits2}}, nil
}

// ownGroup returns this process's group under a controller of version 1.
func ownGroup(of string) string {
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "/"
	}
	for line := range strings.Lines(string(groups)) {
		// 4:cpu,cpuacct:/user.slice
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) == 3 && slices.Contains(strings.Split(f[1], ","), of) {
			return f[2]
		}
	}
	return "/"
}
