package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/pkg/style"
)

// memory shows whether memory stays flat over many images of mixed sizes and
// styles, and what one image of each size needs beyond the loaded model, which is
// where model.MemoryNeeded has its figures from.
func memory(ctx context.Context, o options) (section, error) {
	images, sides := 2000, []int{64, 256, 512, 1024, 2048, 3072}
	if o.Quick {
		images, sides = 200, []int{256, 512, 1024}
	}
	rss, err := ask[[]int64](ctx, "mixed", task{Model: o.Model, Images: images})
	if err != nil {
		return section{}, err
	}
	s := section{title: fmt.Sprintf("Memory over %d mixed images", images)}
	s.text = fmt.Sprintf("Sides of 64 to 1,024 pixels; named styles, blends, pictures, strengths; %d at once. Resident memory, sampled after each image. It rises until the largest images have met, and must be flat from then on.\n\n", model.DefaultConcurrent())
	const parts = 8
	part := len(rss) / parts
	var names, means []string
	for i := range parts {
		names = append(names, fmt.Sprintf("to %d", (i+1)*part))
		means = append(means, mb(mean(rss[i*part:(i+1)*part])))
	}
	half := slope(rss[len(rss)/2:])
	s.text += table(append(names, "slope over the last half", "highest"),
		append(means, mb(1000*half)+" per 1,000 images", mb(float64(highest(rss)))))

	s.text += "\nOne image in a fresh process, peak:\n\n"
	rows := [][]string{{"size", "loaded", "peak", "image", "bytes per pixel", "model.MemoryNeeded"}}
	for _, side := range sides {
		p, err := ask[peak](ctx, "peak", task{Model: o.Model, Width: side, Height: side})
		if err != nil {
			return section{}, err
		}
		image := p.Peak - p.Loaded
		rows = append(rows, []string{
			fmt.Sprintf("%d x %d", side, side), mb(float64(p.Loaded)), mb(float64(p.Peak)), mb(float64(image)),
			fmt.Sprintf("%.0f", float64(image)/float64(side*side)), mb(float64(model.MemoryNeeded(side, side))),
		})
	}
	s.text += table(rows...)
	return s, nil
}

// mixedImages answers with the resident memory after each image.
func mixedImages(ctx context.Context, t task, out io.Writer) error {
	m, err := load(t)
	if err != nil {
		return err
	}
	var (
		wg    sync.WaitGroup
		next  atomic.Int64
		rss   = make([]int64, t.Images)
		order atomic.Int64
		fault = make(chan error, m.Info().Concurrent)
	)
	for range m.Info().Concurrent {
		wg.Go(func() {
			for {
				i := next.Add(1) - 1
				if i >= int64(t.Images) {
					return
				}
				if _, err := m.Stylize(ctx, mixed(uint64(i))); err != nil {
					fault <- err
					return
				}
				rss[order.Add(1)-1] = residentMemory()
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

// mixed is the nth request of a sequence that is the same at each run.
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

// peak is resident memory before an image and at most.
type peak struct{ Loaded, Peak int64 }

// peakOfOne runs one small image first: the preparation of the graph belongs to
// the loaded model.
func peakOfOne(ctx context.Context, t task, out io.Writer) error {
	m, err := load(t)
	if err != nil {
		return err
	}
	if _, err := m.Stylize(ctx, named(photo(32, 32), 0)); err != nil {
		return err
	}
	loaded := residentMemory()
	if _, err := m.Stylize(ctx, named(photo(t.Width, t.Height), 0)); err != nil {
		return err
	}
	return answer(out, peak{loaded, peakMemory()})
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

// slope is the growth from one value to the next, by least squares.
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

func mb(bytes float64) string { return fmt.Sprintf("%.1f MB", bytes/1e6) }
