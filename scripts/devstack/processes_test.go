package main_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A process of the stack, found by the stack's folder in its arguments or environment.
type process struct {
	pid  int
	args string
}

func (p process) String() string { return fmt.Sprintf("%d (%s)", p.pid, p.args) }

func (p process) function() bool {
	return strings.HasSuffix(p.args, "/bootstrap") || strings.HasSuffix(p.args, "/worker-lambda")
}
func (p process) emulator() bool { return strings.Contains(p.args, "/bin/ministack") }
func (p process) daemon() bool   { return strings.Contains(p.args, "/worker-daemon ") }

// processes returns the running processes of the stack, except devstack itself.
func (d *demo) processes() (ps []process) {
	d.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(dirs) == 0 {
		d.Skip("there is no /proc to find processes in")
	}
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir)) // digits
		args, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		env, err := os.ReadFile(filepath.Join(dir, "environ"))
		if err != nil || pid == d.cmd.Process.Pid || pid == os.Getpid() {
			continue // ended meanwhile, or of another user
		}
		// A zombie has neither arguments nor environment.
		if bytes.Contains(args, []byte(d.dir)) || bytes.Contains(env, []byte(d.dir)) {
			ps = append(ps, process{pid, string(bytes.TrimRight(bytes.ReplaceAll(args, []byte{0}, []byte(" ")), " "))})
		}
	}
	return ps
}

// testLoopbackOnly checks every socket on which the stack listens.
func testLoopbackOnly(d *demo) {
	owners := map[string]process{}
	for _, p := range append(d.processes(), process{d.cmd.Process.Pid, "devstack"}) {
		fds, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", p.pid))
		for _, fd := range fds {
			if to, err := os.Readlink(fd); err == nil {
				if inode, ok := strings.CutPrefix(to, "socket:["); ok {
					owners[strings.TrimSuffix(inode, "]")] = p
				}
			}
		}
	}
	found := 0
	for file, loopback := range map[string]string{"/proc/net/tcp": "0100007F", "/proc/net/tcp6": "00000000000000000000000001000000"} {
		b, err := os.ReadFile(file)
		if err != nil {
			d.Logf("not checked: %v", err)
			continue
		}
		for line := range strings.Lines(string(b)) {
			// sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
			f := strings.Fields(line)
			if len(f) < 10 || f[3] != "0A" { // TCP_LISTEN
				continue
			}
			if owner, ok := owners[f[9]]; ok {
				found++
				if address, _, _ := strings.Cut(f[1], ":"); address != loopback {
					d.Errorf("%v listens on %s", owner, f[1])
				}
			}
		}
	}
	if found < 2 {
		d.Errorf("only %d listening sockets were found", found)
	}
}
