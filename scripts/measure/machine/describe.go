package machine

import (
	"context"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
)

// Unknown is the value for what the system does not report.
const Unknown = "unknown"

// A Description describes the machine, the system and the code of a measurement. Values that the
// system does not report are [Unknown] or 0.
type Description struct {
	Processor   string `json:"processor"`          // the model's name
	Stepping    string `json:"stepping,omitempty"` // such as "family 26 model 2 stepping 1": virtual machines often use one name for many models; "" if not reported
	Cores       int    `json:"cores"`
	UsableCores int    `json:"usable_cores"`
	MemoryBytes int64  `json:"memory_bytes"`
	System      string `json:"system"` // GOOS/GOARCH
	Kernel      string `json:"kernel"`
	Go          string `json:"go"`
	FileSystem  string `json:"file_system"` // type of the file system that files are written to
	Commit      string `json:"commit"`      // of the checkout; "…, with changes" if it has uncommitted changes
}

// Describe describes this machine. root is the checkout, dir a folder on the file system that files
// are written to.
func Describe(ctx context.Context, root, dir string) Description {
	return Description{
		Processor: processor(ctx), Stepping: stepping(), Cores: runtime.NumCPU(), UsableCores: runtime.GOMAXPROCS(0), MemoryBytes: ram(ctx),
		System: runtime.GOOS + "/" + runtime.GOARCH, Kernel: output(ctx, "uname", "-r"), Go: runtime.Version(),
		FileSystem: fileSystem(ctx, dir), Commit: commit(ctx, root),
	}
}

// fileSystem returns the type of the file system of a folder.
func fileSystem(ctx context.Context, dir string) string {
	lines := strings.Split(output(ctx, "df", "-PT", dir), "\n")
	if f := strings.Fields(lines[len(lines)-1]); len(f) > 1 {
		return f[1]
	}
	return Unknown // not every df supports -T
}

func commit(ctx context.Context, root string) string {
	id := output(ctx, "git", "-C", root, "rev-parse", "--short=12", "HEAD")
	if id == Unknown {
		return id
	}
	if output(ctx, "git", "-C", root, "status", "--porcelain") != "" {
		id += ", with changes"
	}
	return id
}

func processor(ctx context.Context) string {
	if v := procValue("/proc/cpuinfo", "model name"); v != Unknown {
		return v
	}
	return output(ctx, "sysctl", "-n", "machdep.cpu.brand_string")
}

func stepping() string {
	var parts []string
	for _, part := range []struct{ name, field string }{{"family", "cpu family"}, {"model", "model"}, {"stepping", "stepping"}} {
		v := procValue("/proc/cpuinfo", part.field)
		if v == Unknown {
			return ""
		}
		parts = append(parts, part.name+" "+v)
	}
	return strings.Join(parts, " ")
}

func ram(ctx context.Context) int64 {
	if v, ok := kilobytes("/proc/meminfo", "MemTotal"); ok {
		return v
	}
	v, _ := strconv.ParseInt(output(ctx, "sysctl", "-n", "hw.memsize"), 10, 64)
	return v
}

func output(ctx context.Context, name string, args ...string) string {
	b, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		return Unknown
	}
	return strings.TrimSpace(string(b))
}
