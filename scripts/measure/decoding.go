package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/decoder"
	"github.com/atelier-go/atelier/scripts/measure/photograph"
)

const decoderHelp = `The cost of decoding pictures in a separate process, which the system limits. The same
photographs go through the daemon's worker and poll loop on a real directory, with a
queue in memory, from durable jobs to durable outcomes, in turn

  here      with pictures decoded, resized and made into previews in the worker's process
  separate  with picture-decoder

and then through the decoder alone, one picture after the other, without a network.`

// decoder returns the path of picture-decoder.
func (s *session) decoder() string { return filepath.Join(s.Bin, "picture-decoder") }

// decoderCost compares both ways of decoding.
func decoderCost(ctx context.Context, s *session) (string, error) {
	type kind struct{ w, h, images int }
	kinds := pick(s, []kind{{400, 300, 160}, {512, 512, 100}, {1024, 1024, 30}, {4000, 3000, 16}}, []kind{{64, 48, 6}})
	s.expect(len(kinds) * s.Rounds * 4)
	rows := [][]string{{"size", "here, images/s", "separate, images/s", "ratio", "goal", "", "decode alone: here", "separate", "more", "goal", ""}}
	for _, k := range kinds {
		t := task{Model: s.Model, Samples: s.Samples, Width: k.w, Height: k.h, Images: k.images}
		through := func(kind, program string) func(context.Context) (work, error) {
			return func(ctx context.Context) (w work, err error) {
				t := t
				t.Decoder = program
				if t.Dir, err = s.folder(); err != nil {
					return w, err
				}
				return ask[work](ctx, kind, t)
			}
		}
		all, err := inTurn(ctx, s, size(k.w, k.h),
			side[work]{"here", through("worker", "")}, side[work]{"separate", through("worker", s.decoder())},
			side[work]{"alone here", through("decode", "")}, side[work]{"alone separate", through("decode", s.decoder())})
		if err != nil {
			return "", err
		}
		rate := func(w work) float64 { return w.PerSecond }
		took := func(w work) float64 { return w.Median }
		ratio := compare(all[1], all[0], func(a, b work) float64 { return a.PerSecond / b.PerSecond })
		more := compare(all[3], all[2], func(a, b work) float64 { return a.Median - b.Median })
		row := []string{size(k.w, k.h), each(all[0], rate).show("%.2f"), each(all[1], rate).show("%.2f"), ratio.show("%.3f")}
		row = append(row, atLeast(0.95, ratio.median)...)
		row = append(row, ms(each(all[2], took).median), ms(each(all[3], took).median), ms(more.median))
		rows = append(rows, append(row, atMost(5, 1000*more.median)...))
	}
	return "Photographs, JPEG to JPEG, with previews. Median of the rounds (least..most).\n\n" + table(rows...), nil
}

// decodeAlone decodes photographs one after the other.
func decodeAlone(ctx context.Context, t task, out io.Writer) error {
	photos, err := photograph.All(t.Samples, t.Width, t.Height)
	if err != nil {
		return err
	}
	decode := here{}.Decode
	if t.Decoder != "" {
		d, err := decoder.New(decoder.Config{Program: t.Decoder})
		if err != nil {
			return err
		}
		defer d.Close()
		decode = d.Decode
	}
	one := func(i int) error {
		_, err := decode(ctx, decoder.Request{Photo: photos[i%len(photos)], Longest: longest, Preview: true})
		return err
	}
	for i := range 3 {
		if err := one(i); err != nil {
			return err
		}
	}
	p, err := inParallel(ctx, 1, times(t.Images), func(_ context.Context, i int) error { return one(i) })
	if err != nil {
		return err
	}
	return answer(out, work{PerSecond: p.PerSecond, Median: median(p.Took)})
}

// decoders returns the process ids of this process's running children.
func decoders() (pids []string) {
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	for _, list := range lists {
		b, _ := os.ReadFile(list) // fails only if the thread has ended
		pids = append(pids, strings.Fields(string(b))...)
	}
	return pids
}

// watchDecoders measures the memory of this process's decoders continuously, until peak is called,
// which returns the maximum of their sum in bytes. The system's own record for ended children would
// be useless: between fork and exec a child has the size of this process, and that would be
// recorded.
func watchDecoders() (peak func() int64) {
	stop, result := make(chan struct{}), make(chan int64)
	go func() {
		most := int64(0)
		for again := time.NewTicker(2 * time.Millisecond); ; {
			for _, pid := range decoders() {
				b, _ := os.ReadFile("/proc/" + pid + "/status")
				if rest, ok := bytes.CutPrefix(b, []byte("Name:\tpicture-decoder\n")); ok {
					_, rest, _ = bytes.Cut(rest, []byte("VmHWM:"))
					fields := strings.Fields(string(rest[:min(len(rest), 40)]))
					if len(fields) > 0 {
						kib, _ := strconv.ParseInt(fields[0], 10, 64)
						most = max(most, kib<<10)
					}
				}
			}
			select {
			case <-again.C:
			case <-stop:
				again.Stop()
				result <- most
				return
			}
		}
	}()
	return func() int64 { close(stop); return <-result }
}
