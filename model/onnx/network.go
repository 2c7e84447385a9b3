package onnx

import (
	"errors"
	"fmt"
	"image"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/atelier-go/atelier/model"
)

// A Config configures a model and the library that runs it.
type Config struct {
	model.Config
	// Library is the file of ONNX Runtime's library; "" means [DefaultLibrary]. All models of a
	// process use the library of the first one.
	Library string
}

// Load loads the ONNX files in cfg.Dir; see [model.Open]. cfg.Threads is the number of threads for
// each image that is being painted. If the library can't be used, the error wraps [ErrLibrary].
func Load(cfg Config) (*model.Model, error) {
	if cfg.Library == "" {
		cfg.Library = DefaultLibrary()
	}
	return model.Open(cfg.Config, func(c model.Config, dir *model.Folder) (func() (*model.Loaded, error), error) {
		f, err := readFiles(dir)
		if err != nil {
			return nil, err
		}
		return func() (*model.Loaded, error) { return open(c, f, cfg.Library) }, nil
	})
}

// open lets ONNX Runtime load files that readFiles has checked.
func open(cfg model.Config, f *files, library string) (*model.Loaded, error) {
	err := openLibrary(library)
	if err != nil {
		return nil, err
	}
	n := &network{width: f.width, sessions: newSessionPool(f.transform, cfg.Threads, cfg.Concurrent)}
	// One thread is enough: it reads 256x256 pixels in a hundredth of a second.
	if n.predict, err = newSession(f.predict, []string{styleInput}, []string{vectorOutput}, 1); err != nil {
		return nil, fmt.Errorf("ONNX Runtime cannot load %s: %w", predictFile, err)
	}
	first, err := n.sessions.acquire(0) // detects a damaged file now
	if err != nil {
		return nil, errors.Join(err, n.predict.Destroy())
	}
	n.sessions.release(first, 0)
	return &model.Loaded{
		Engine: "onnxruntime " + ort.GetVersion(), Signatures: []string{"predict_style", "transform"},
		Width: f.width, Vectors: n, Close: n.close,
	}, nil
}

// A network is the pair of networks, loaded.
type network struct {
	width    int
	predict  *session
	sessions sessionPool
}

// Read implements [model.VectorNetwork].
func (n *network) Read(style *image.RGBA) ([]float32, error) {
	w, h := style.Rect.Dx(), style.Rect.Dy()
	in, v := make([]float32, 3*w*h), make([]float32, n.width)
	toPlanes(in, style)
	return v, n.predict.run(plane{v, ort.NewShape(1, int64(n.width))}, plane{in, ort.NewShape(1, 3, int64(h), int64(w))})
}

// Paint implements [model.VectorNetwork].
func (n *network) Paint(content *image.RGBA, style []float32, dst *image.RGBA, share float32) (nans int, err error) {
	w, h := content.Rect.Dx(), content.Rect.Dy()
	p, err := n.sessions.acquire(w * h)
	if err != nil {
		return 0, err
	}
	defer n.sessions.release(p, w*h)
	p.grow(3 * w * h)
	toPlanes(p.in, content)
	shape := ort.NewShape(1, 3, int64(h), int64(w))
	if err := p.run(plane{p.out, shape}, plane{p.in, shape}, plane{style, ort.NewShape(1, int64(n.width))}); err != nil {
		return 0, err
	}
	return drawOver(p.out, dst, share), nil
}

// close frees the memory. No other call may be running.
func (n *network) close() {
	n.sessions.close()
	_ = n.predict.Destroy() // it never fails
}
