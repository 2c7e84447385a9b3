package decoder_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/decoder"
	"github.com/atelier-go/atelier/pkg/decoder/decodertest"
	"github.com/atelier-go/atelier/pkg/decoder/internal/protocol"
	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
)

func children(t *testing.T) (pids []int) {
	t.Helper()
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", os.Getpid()))
	for _, list := range lists {
		b, _ := os.ReadFile(list)
		for f := range strings.FieldsSeq(string(b)) {
			pid, err := strconv.Atoi(f)
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}

// TestCancelKillsTheProcess checks that a decode that would take a minute ends with its context,
// and so does its process.
func TestCancelKillsTheProcess(t *testing.T) {
	d := decodertest.New(t, func(c *decoder.Config) {
		c.Program = decodertest.Rogue(t)
		c.Bounds = decoder.Bounds{CPU: time.Hour, Wait: time.Hour}
	})
	canceled := errors.New("canceled by the test")
	for _, fault := range []decodertest.Fault{decodertest.Spins, decodertest.Sleeps} {
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan error)
		go func() {
			_, err := d.Decode(ctx, decoder.Request{Photo: photo(t, 50, 50, fault), Longest: 100})
			done <- err
		}()
		cancel(canceled)
		if err := <-done; !errors.Is(err, canceled) {
			t.Errorf("%s: got %v", fault, err)
		}
	}
	d.Close() // waits for all processes, so it would not return if one continued
	if left := children(t); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
	if _, err := d.Decode(t.Context(), decoder.Request{Photo: photo(t, 5, 5, ""), Longest: 100}); err == nil {
		t.Error("Decode succeeded after Close")
	}
}

// TestProcesses checks that processes are reused, replaced after they were killed, and inherit
// neither this process's environment nor its files.
func TestProcesses(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	secret, err := os.Create(filepath.Join(t.TempDir(), "secret"))
	if err != nil {
		t.Fatal(err)
	}
	defer secret.Close()
	d := decodertest.New(t, func(c *decoder.Config) { c.Idle = 1 })
	decode := func(w, h int) {
		t.Helper()
		if _, err := d.Decode(t.Context(), decoder.Request{Photo: photo(t, w, h, ""), Longest: 100}); err != nil {
			t.Fatal(err)
		}
	}
	decode(10, 10)
	first := children(t)
	for range 20 {
		decode(100, 100)
	}
	if now := children(t); len(now) != 1 || now[0] != first[0] {
		t.Errorf("processes %v, and at first %v: it was not reused", now, first)
	}
	environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", first[0]))
	if err != nil || string(environment) != "GODEBUG=madvdontneed=0\x00" { // a setting of Go's runtime
		t.Errorf("its environment is %q, %v", environment, err)
	}
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", first[0]))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		to, _ := os.Readlink(f)
		if to == secret.Name() || to == "/dev/null" || strings.HasPrefix(to, "socket:") {
			t.Errorf("it has %s open", to)
		}
	}
	if p, err := os.FindProcess(first[0]); err != nil || p.Kill() != nil {
		t.Fatal("it could not be killed")
	}
	decode(10, 10)
}

// TestProcessEndsWhileIdle checks that a process that is killed at any moment between two pictures is
// replaced, and costs no picture.
func TestProcessEndsWhileIdle(t *testing.T) {
	d := decodertest.New(t, func(c *decoder.Config) { c.Idle = 1 })
	picture := photo(t, 10, 10, "")
	for i := range 200 {
		if _, err := d.Decode(t.Context(), decoder.Request{Photo: picture, Longest: 100}); err != nil {
			t.Fatalf("after %d processes: %v", i, err)
		}
		for _, pid := range children(t) {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				t.Fatal(err)
			}
		}
		for since := time.Now(); time.Since(since) < time.Duration(i%100)*10*time.Microsecond; {
			runtime.Gosched()
		}
	}
}

// TestGrownProcess checks that a process that has grown by a large picture is reused for pictures
// of that size only, because it would exceed the limit of a small one from the start. While it is
// idle, it holds no more than job.IdleDecoder that the system can't reclaim.
func TestGrownProcess(t *testing.T) {
	d := decodertest.New(t, func(c *decoder.Config) { c.Idle = 1 })
	var file bytes.Buffer
	if err := jpeg.Encode(&file, image.NewRGBA(image.Rect(0, 0, 4000, 3000)), nil); err != nil {
		t.Fatal(err)
	}
	// Bytes after the picture are allowed; they make the file large.
	large := append(file.Bytes(), make([]byte, 12<<20)...)
	decode := func(data []byte) (pid int) {
		t.Helper()
		if _, err := d.Decode(t.Context(), decoder.Request{Photo: data, Longest: 1024, Preview: true}); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(10 * time.Second); ; { // a killed process remains for a moment
			if pids := children(t); len(pids) == 1 {
				return pids[0]
			} else if time.Now().After(end) {
				t.Fatalf("processes %v", pids)
			}
			runtime.Gosched()
		}
	}
	decode(photo(t, 10, 10, ""))
	first := decode(large)
	for i := range 5 {
		if next := decode(large); next != first {
			t.Errorf("it was replaced for a picture of the same size, after %d", i+1)
			first = next
		}
	}
	var holds int64
	for end := time.Now().Add(10 * time.Second); ; { // it releases memory after its reply
		if holds = held(t, first); holds <= job.IdleDecoder || time.Now().After(end) {
			break
		}
		runtime.Gosched()
	}
	t.Logf("it holds %d KiB", holds>>10)
	if holds > job.IdleDecoder {
		t.Errorf("it holds %d MiB, want at most %d", holds>>20, job.IdleDecoder>>20)
	}
	if decode(photo(t, 10, 10, "")) == first {
		t.Error("it was not replaced for a small picture")
	}
}

// held returns the memory, in bytes, of a process and its memory files, without the pages that are
// marked as free.
func held(t *testing.T, pid int) (total int64) {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(maps)) {
		name, rest, _ := strings.Cut(line, ":")
		sign := map[string]int64{"Rss": 1, "LazyFree": -1}[name]
		if sign == 0 {
			continue
		}
		kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		total += sign * kib << 10
	}
	for fd := protocol.InputFD; fd <= protocol.OutputFD; fd++ {
		info, err := os.Stat(fmt.Sprintf("/proc/%d/fd/%d", pid, fd))
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	return total
}

// TestEndsWithItsParent checks that a decoder ends when its worker does, even during a decode.
func TestEndsWithItsParent(t *testing.T) {
	for _, fault := range []decodertest.Fault{"", decodertest.Sleeps, decodertest.Spins} {
		cmd := exec.Command(decodertest.Rogue(t))
		requests, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		replies, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		data := photo(t, 20, 20, fault)
		file := filepath.Join(t.TempDir(), "pictures")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		pictures, err := os.OpenFile(file, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer pictures.Close()
		cmd.ExtraFiles = []*os.File{pictures, pictures}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := json.Marshal(protocol.Request{
			Limits: imageio.DefaultLimits(), Memory: 64 << 20, Output: 1 << 20,
			Photo: protocol.Picture{Bytes: int64(len(data)), Longest: 20},
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := requests.Write(append(line, '\n')); err != nil {
			t.Fatal(err)
		}
		if fault == "" {
			if _, err := bufio.NewReader(replies).ReadString('\n'); err != nil {
				t.Error(err)
			}
		}
		_ = requests.Close()
		hangs := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		if err := cmd.Wait(); err != nil {
			t.Errorf("%q: %v", fault, err)
		}
		hangs.Stop()
	}
}

// TestStarvedDecoder checks that a picture is not blamed if its decoder got no processor time.
func TestStarvedDecoder(t *testing.T) {
	d := decodertest.New(t, func(c *decoder.Config) {
		c.Program, c.Idle = decodertest.Rogue(t), 1
		c.Bounds = decoder.Bounds{CPU: time.Second, Wait: time.Millisecond}
	})
	pid := children(t)[0]
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	_, err := d.Decode(t.Context(), decoder.Request{Photo: photo(t, 20, 20, ""), Longest: 100})
	if err == nil || job.FailureOf(err) != nil {
		t.Errorf("got %v, want an error that doesn't blame the picture", err)
	}
	if _, err := d.Decode(t.Context(), decoder.Request{Photo: photo(t, 20, 20, ""), Longest: 100}); err != nil {
		t.Errorf("the next one: %v", err)
	}
}

// TestManyAtOnce decodes concurrently, with some processes killed, for the race detector.
func TestManyAtOnce(t *testing.T) {
	d := decodertest.New(t, func(c *decoder.Config) { c.Program = decodertest.Rogue(t); bounds(c); c.Bounds.CPU = 10 * time.Second })
	good, dies := photo(t, 300, 200, ""), photo(t, 30, 20, decodertest.Dies)
	want, _, err := imageio.Decode(t.Context(), good, imageio.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 10 {
				if i%4 == 0 {
					if _, err := d.Decode(t.Context(), decoder.Request{Photo: dies, Longest: 100}); err == nil {
						t.Error("it was decoded")
					}
					continue
				}
				got, err := d.Decode(t.Context(), decoder.Request{Photo: good, Longest: 1000})
				if err != nil {
					t.Error(err)
				} else if !bytes.Equal(got.Photo.Pix, want.Pix) {
					t.Error("the pixels differ")
				}
			}
		})
	}
	all.Wait()
}

func TestWrongProgram(t *testing.T) {
	for _, program := range []string{filepath.Join(t.TempDir(), "none"), "/bin/cat", "/bin/true"} {
		d, err := decoder.New(decoder.Config{Program: program, Bounds: decoder.Bounds{CPU: time.Second, Wait: time.Second}})
		if err == nil {
			d.Close()
			t.Errorf("%s was accepted as a decoder", program)
		} else if !strings.Contains(err.Error(), program) {
			t.Errorf("%s: %v, which doesn't name it", program, err)
		}
	}
}
