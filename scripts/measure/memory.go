package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/style"
	"github.com/atelier-go/atelier/scripts/measure/machine"
)

const memoryHelp = `Whether memory stays constant over many pictures of mixed sizes, styles, blends and
strengths, how much memory remains after small pictures that all differ in size, and
how much one picture of each size needs, measured as resident memory:

  the engine  a run of the model alone, which is the source of the footprints in pkg/engines;
              and one after pictures of a quarter, half and three quarters of its sides,
              whose memory the engine may keep, with four places
  the worker  the daemon's complete processing of a picture, from a JPEG with 4:2:0 to a
              JPEG: files, decode, stylise, encode, outcome. The formula is that of
              worker/DESIGN.md: the footprint plus imageio.DecodeMemory of the file

Each is a fresh process that has painted a picture of 32 x 32 before, with TensorFlow
and with ONNX Runtime. If --teacher is set, the engine is also measured with Magenta's
network, for which the formula is not intended.`

// memory shows whether memory stays constant over many images of mixed sizes and styles, and what
// one image of each size needs beyond the loaded model.
func memory(ctx context.Context, s *session) (string, error) {
	engines, err := s.engines()
	if err != nil {
		return "", err
	}
	images, sides := pick(s, 2000, 24), pick(s, []int{64, 256, 512, 1024, 2048, 3072}, []int{64, 128})
	single, err := s.singles(engines)
	if err != nil {
		return "", err
	}
	s.expect(2*len(engines) + len(single)*len(sides))
	flat, err := s.flatness(ctx, engines, "mixed", images)
	if err != nil {
		return "", err
	}
	small := pick(s, 720, 24)
	left, err := s.flatness(ctx, engines, "sizes", small)
	if err != nil {
		return "", err
	}
	rows := [][]string{{"engine", "", "size", "loaded", "peak", "picture", "bytes per pixel", "formula", "of the formula", "goal", ""}}
	for _, of := range single {
		for _, side := range sides {
			s.step("one picture, %s, %s, %s", of.engine.name, of.name, size(side, side))
			t := task{Model: of.model, Width: side, Height: side, Concurrent: 1, Decoder: s.decoder()}
			if t.Dir, err = s.folder(); err != nil {
				return "", err
			}
			p, err := askOf[peak](ctx, of.engine.program, of.kind, t)
			if err != nil {
				return "", err
			}
			picture, formula := float64(p.Peak-p.Loaded), float64(p.Formula)
			goal := noGoal
			if of.model == s.Model {
				goal = atMost(1, picture/formula)
			}
			rows = append(rows, append([]string{
				of.engine.name, of.name, size(side, side), mb(float64(p.Loaded)), mb(float64(p.Peak)), mb(picture),
				fmt.Sprintf("%.0f", picture/float64(side*side)), mb(formula), fmt.Sprintf("%.2f", picture/formula),
			}, goal...))
		}
	}
	at := fmt.Sprintf("%d at once. Resident memory, sampled after each picture", model.DefaultConcurrent())
	return fmt.Sprintf("%d mixed pictures, sides of 64 to 1,024 pixels, %s. It rises until the largest pictures have been painted at once, and must be constant from then on.\n\n%s\n"+
		"%d pictures of as many sizes, sides of 64 to 180 pixels, %s: an engine keeps what it prepares for each size.\n\n%s\n"+
		"One picture in a fresh process:\n\n%s", images, at, flat, small, at, left, table(rows...)), nil
}

// A single is a program that paints one picture in a process of its own.
type single struct {
	engine      engine
	name, model string
	kind        string // kind of the child's task
}

// singles returns both engines, alone and in a worker, and the teacher if it is available.
func (s *session) singles(engines []engine) (all []single, err error) {
	for _, e := range engines {
		all = append(all, single{e, "engine", s.Model, "peak"}, single{e, "engine, after others", s.Model, "peak-after"}, single{e, "worker", s.Model, "worker-peak"})
	}
	if s.Teacher != "" {
		theirs, err := s.teacherModel()
		if err != nil {
			return nil, err
		}
		all = append(all, single{engines[0], "teacher", theirs, "peak"})
	}
	return all, nil
}

// flatness returns a table of memory over many pictures; kind is the child's task.
func (s *session) flatness(ctx context.Context, engines []engine, kind string, images int) (string, error) {
	const parts = 8
	part := images / parts
	head := []string{"engine", "loaded"}
	for i := range parts {
		head = append(head, fmt.Sprintf("to %d", (i+1)*part))
	}
	rows := [][]string{append(head, "slope over the last half", "highest")}
	for _, e := range engines {
		s.step("%d pictures, %s, %s", images, kind, e.name)
		rss, err := askOf[[]int64](ctx, e.program, kind, task{Model: s.Model, Images: images, Decoder: s.decoder()})
		if err != nil {
			return "", err
		}
		row := []string{e.name, mb(float64(rss[0]))}
		rss = rss[1:]
		for i := range parts {
			row = append(row, mb(mean(rss[i*part:(i+1)*part])))
		}
		rows = append(rows, append(row, mb(1000*slope(rss[len(rss)/2:]))+" per 1,000 pictures", mb(float64(highest(rss)))))
	}
	return table(rows...), nil
}

// residents returns a child's task that writes the resident memory before all images and after each
// one; request returns the nth image.
func residents(request func(n uint64) style.Request) func(context.Context, task, io.Writer) error {
	return func(ctx context.Context, t task, out io.Writer) error {
		m, loaded, err := loadAndPaint(ctx, t)
		if err != nil {
			return err
		}
		var (
			wg    sync.WaitGroup
			next  atomic.Int64
			rss   = make([]int64, 1+t.Images)
			order atomic.Int64
			fault = make(chan error, m.Info().Concurrent)
		)
		rss[0] = loaded
		for range m.Info().Concurrent {
			wg.Go(func() {
				for {
					i := next.Add(1) - 1
					if i >= int64(t.Images) {
						return
					}
					if _, err := m.Stylize(ctx, request(uint64(i))); err != nil {
						fault <- err
						return
					}
					rss[order.Add(1)] = machine.ResidentMemory()
				}
			})
		}
		wg.Wait()
		close(fault)
		if err := <-fault; err != nil {
			return err
		}
		return answer(out, rss)
	}
}

// ofOwnSize returns the nth request of a sequence of small pictures of different sizes. Sizes
// differ by at least 4 pixels, because the network's input is padded to multiples of 4.
func ofOwnSize(n uint64) style.Request {
	i := int(n)
	return named(photo(64+4*(i%24), 64+4*(i/24)), i)
}

// mixed returns the nth request of a sequence that is the same in each run.
func mixed(n uint64) style.Request {
	r := rand.New(rand.NewPCG(1, n))
	req := named(photo(64+r.IntN(961), 64+r.IntN(961)), r.IntN(100))
	switch n % 4 {
	case 1:
		other := named(nil, r.IntN(100)).Mix[0].Name
		if other != req.Mix[0].Name {
			req.Mix = style.Mix{{Name: req.Mix[0].Name, Weight: 0.6}, {Name: other, Weight: 0.4}}
		}
	case 2:
		req.Mix, req.Picture = nil, photo(100+r.IntN(1000), 100+r.IntN(1000))
	case 3:
		req.Strength = r.Float64()
	}
	return req
}

// A peak has the resident memory in bytes before an image and its maximum, and what the formula
// predicts.
type peak struct{ Loaded, Peak, Formula int64 }

// loadAndPaint loads the model and paints one small image, because the preparation of the graph
// counts as part of the loaded model. It returns the resident memory after that.
func loadAndPaint(ctx context.Context, t task) (*model.Model, int64, error) {
	m, err := load(t)
	if err != nil {
		return nil, 0, err
	}
	if _, err := m.Stylize(ctx, named(photo(32, 32), 0)); err != nil {
		return nil, 0, err
	}
	return m, machine.ResidentMemory(), nil
}

func peakOfOne(ctx context.Context, t task, out io.Writer) error { return peakOf(ctx, t, out, 4) }

func peakAfterOthers(ctx context.Context, t task, out io.Writer) error {
	t.Concurrent = 4 // the memory that idle places keep is in no budget
	return peakOf(ctx, t, out, 1, 2, 3, 4)
}

// peakOf paints pictures whose sides are the given quarters of the task's.
func peakOf(ctx context.Context, t task, out io.Writer, quarters ...int) error {
	m, loaded, err := loadAndPaint(ctx, t)
	if err != nil {
		return err
	}
	for _, q := range quarters {
		if _, err := m.Stylize(ctx, named(photo(t.Width*q/4, t.Height*q/4), 0)); err != nil {
			return err
		}
	}
	return answer(out, peak{loaded, machine.PeakMemory(), footprint.Picture(t.Width, t.Height, 0)})
}

// peakOfWorker is like peakOfOne for the complete processing of a picture.
func peakOfWorker(ctx context.Context, t task, out io.Writer) error {
	b, err := openBench(ctx, t)
	if err != nil {
		return err
	}
	paint := func(side int) error {
		var file bytes.Buffer
		if err := imageio.Encode(&file, photo(side, side), format, quality); err != nil {
			return err
		}
		b.photos = [][]byte{file.Bytes()}
		ms, err := b.submit(1, 0)
		if err != nil {
			return err
		}
		_, err = b.work(ctx, ms)
		return err
	}
	if err := paint(32); err != nil {
		return err
	}
	loaded := machine.ResidentMemory()
	peakOfDecoders := watchDecoders()
	if err := errors.Join(paint(t.Width), b.done()); err != nil {
		return err
	}
	decode := imageio.JobMemory(b.photos[0], nil, t.Width, t.Height)
	return answer(out, peak{loaded, machine.PeakMemory() + peakOfDecoders(), footprint.Picture(t.Width, t.Height, decode)})
}

func mean(v []int64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += float64(x)
	}
	return sum / float64(max(len(v), 1))
}

func highest(v []int64) (h int64) {
	for _, x := range v {
		h = max(h, x)
	}
	return h
}

// slope returns the growth per value, by least squares.
func slope(v []int64) float64 {
	middle, m := float64(len(v)-1)/2, mean(v)
	var above, below float64
	for i, x := range v {
		d := float64(i) - middle
		above += d * (float64(x) - m)
		below += d * d
	}
	return above / max(below, 1)
}
