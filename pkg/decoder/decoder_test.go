//go:build linux

package decoder_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
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

	"go.uber.org/goleak"

	"github.com/atelier-go/atelier/pkg/decoder"
	"github.com/atelier-go/atelier/pkg/decoder/decodertest"
	"github.com/atelier-go/atelier/pkg/decoder/internal/protocol"
	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// photo returns a PNG file of w x h pixels. words, if any, follow the picture.
func photo(t testing.TB, w, h int, words decodertest.Fault) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetRGBA(x, y, color.RGBA{uint8(x), uint8(y), uint8(x * y), 255})
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return append(out.Bytes(), words...) // bytes after the picture are allowed
}

func TestDecode(t *testing.T) {
	d := decodertest.New(t, nil)
	big, small := photo(t, 900, 600, ""), photo(t, 40, 1000, "")
	for name, r := range map[string]decoder.Request{
		"fitted":          {Photo: big, Longest: 300},
		"not fitted":      {Photo: big, Longest: 4096},
		"with a style":    {Photo: big, Longest: 300, Style: small},
		"with a preview":  {Photo: big, Longest: 300, Preview: true},
		"with everything": {Photo: big, Longest: 900, Style: big, Preview: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := d.Decode(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			whole, _, err := imageio.Decode(t.Context(), r.Photo, imageio.DefaultLimits())
			if err != nil {
				t.Fatal(err)
			}
			if want := imageio.Fit(whole, r.Longest); !bytes.Equal(got.Photo.Pix, want.Pix) || got.Photo.Rect != want.Rect {
				t.Error("the photograph differs from the one that imageio decodes")
			}
			if (got.Style == nil) != (r.Style == nil) {
				t.Errorf("a style %v for one of %d bytes", got.Style, len(r.Style))
			} else if got.Style != nil {
				whole, _, err := imageio.Decode(t.Context(), r.Style, imageio.DefaultLimits())
				if err != nil {
					t.Fatal(err)
				}
				if want := imageio.Square(whole, decoder.StyleEdge); got.Style.Rect != want.Rect || !bytes.Equal(got.Style.Pix, want.Pix) {
					t.Errorf("the style is %v, want the central square, %v", got.Style.Rect, want.Rect)
				}
			}
			if (got.Preview != nil) != r.Preview {
				t.Errorf("a preview of %d bytes, requested: %v", len(got.Preview), r.Preview)
			}
			if r.Preview {
				info, err := imageio.Inspect(got.Preview, imageio.DefaultLimits())
				if err != nil || info != (imageio.Info{Format: "jpeg", Width: 900, Height: 600}) {
					t.Errorf("the preview is %+v, %v", info, err)
				}
			}
		})
	}
}

// TestLargePhotographs covers the pictures that take the most memory: those that are shrunk only a
// little.
func TestLargePhotographs(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds for each picture")
	}
	d := decodertest.New(t, func(c *decoder.Config) { c.Idle = 1 })
	for _, c := range []struct {
		size    image.Point
		longest int
	}{{image.Pt(5000, 3785), 4096}, {image.Pt(3785, 5000), 4096}, {image.Pt(7300, 5400), 4096}, {image.Pt(7300, 5400), 1500}} {
		img := image.NewRGBA(image.Rectangle{Max: c.size})
		for i := range img.Pix {
			img.Pix[i] = uint8(i>>6) | uint8(i&3/3*255)
		}
		var file bytes.Buffer
		if err := jpeg.Encode(&file, img, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Decode(t.Context(), decoder.Request{Photo: file.Bytes(), Longest: c.longest, Preview: true}); err != nil {
			t.Errorf("%v to %d: %v", c.size, c.longest, err)
		}
	}
}

func TestInvalidPicturesAreRefused(t *testing.T) {
	d := decodertest.New(t, nil)
	good := photo(t, 30, 20, "")
	corrupt := bytes.Clone(good)
	corrupt[bytes.Index(corrupt, []byte("IDAT"))+20] ^= 0xff // makes its checksum wrong
	undecodable := webpWithoutPixels()
	for name, c := range map[string]struct {
		r    decoder.Request
		want error
	}{
		"not a picture":          {decoder.Request{Photo: []byte("<svg/>"), Longest: 100}, job.ErrUnsupportedImage},
		"no photograph":          {decoder.Request{Longest: 100}, job.ErrUnsupportedImage},
		"damaged":                {decoder.Request{Photo: corrupt, Longest: 100}, job.ErrDamagedImage},
		"corrupt pixels":         {decoder.Request{Photo: undecodable, Longest: 100}, job.ErrDamagedImage},
		"style is not a picture": {decoder.Request{Photo: good, Longest: 100, Style: []byte("x")}, job.ErrUnsupportedImage},
		"empty style":            {decoder.Request{Photo: good, Longest: 100, Style: []byte{}}, job.ErrUnsupportedImage},
		"corrupt style":          {decoder.Request{Photo: good, Longest: 100, Style: undecodable}, job.ErrDamagedImage},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := d.Decode(t.Context(), c.r); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// webpWithoutPixels returns a file that Inspect accepts, because it doesn't decompress pixels, and
// that can't be decoded.
func webpWithoutPixels() []byte {
	data := append([]byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 16, 0, 16, 0}, make([]byte, 30)...)
	file := append([]byte("VP8 "), byte(len(data)), 0, 0, 0)
	file = append(append([]byte("WEBP"), file...), data...)
	return append([]byte{'R', 'I', 'F', 'F', byte(len(file)), 0, 0, 0}, file...)
}

// bounds sets short limits, so that the tests are fast.
func bounds(c *decoder.Config) {
	c.Bounds = decoder.Bounds{CPU: 500 * time.Millisecond, CPUPerMegapixel: time.Millisecond, Wait: time.Second}
}

// TestMisbehavingDecoders checks that a decode ends within its limits and with a reason, whatever
// the decoder does, and that concurrent and later pictures are decoded.
func TestMisbehavingDecoders(t *testing.T) {
	for fault, want := range map[decodertest.Fault]error{
		decodertest.Eats:    job.ErrUndecodable,
		decodertest.Spins:   job.ErrUndecodable,
		decodertest.Sleeps:  job.ErrUndecodable,
		decodertest.Crashes: job.ErrUndecodable,
		decodertest.Dies:    nil, // any error that does not blame the picture
		decodertest.Floods:  nil,
		decodertest.Lies:    nil,
		decodertest.Babbles: nil,
	} {
		t.Run(string(fault), func(t *testing.T) {
			d := decodertest.New(t, func(c *decoder.Config) { c.Program = decodertest.Rogue(t); bounds(c) })
			hostile, good := photo(t, 50, 50, fault), photo(t, 400, 300, "")
			done := make(chan error)
			go func() {
				_, err := d.Decode(t.Context(), decoder.Request{Photo: hostile, Longest: 100})
				done <- err
			}()
			var err error
			beside := 0
			for waiting := true; waiting; {
				select {
				case err = <-done:
					waiting = false
				default:
					if _, err := d.Decode(t.Context(), decoder.Request{Photo: good, Longest: 100, Preview: true}); err != nil {
						t.Fatalf("a concurrent picture: %v", err)
					}
					beside++
				}
			}
			if err == nil {
				t.Fatal("it was decoded")
			}
			if want != nil && !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
			if want == nil && job.FailureOf(err) != nil {
				t.Errorf("got %v, which blames the picture", err)
			}
			if len(err.Error()) > 1000 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
			t.Logf("%d concurrent pictures; %v", beside, err)
		})
	}
}

// TestMemoryIsBounded checks the resident memory of a decoder that allocates endlessly, as the
// system counts it.
func TestMemoryIsBounded(t *testing.T) {
	d := decodertest.New(t, func(c *decoder.Config) { c.Program = decodertest.Rogue(t); bounds(c); c.Bounds.CPU = time.Minute })
	most := decodertest.PeakMemory(func() {
		if _, err := d.Decode(t.Context(), decoder.Request{Photo: photo(t, 50, 50, decodertest.Eats), Longest: 100}); !errors.Is(err, job.ErrUndecodable) {
			t.Errorf("got %v", err)
		}
	})
	// An allocation of 64 MiB exceeds the limit for a picture of 50 x 50.
	if limit := int64(64 << 20); most > limit {
		t.Errorf("it had %d bytes resident, want at most %d", most, limit)
	}
}

func children(t *testing.T) (pids []int) {
	t.Helper()
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", os.Getpid()))
	for _, list := range lists {
		b, _ := os.ReadFile(list)
		for _, f := range strings.Fields(string(b)) {
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
