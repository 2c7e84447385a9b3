package model

import (
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"maps"
	"slices"
	"sync"

	tf "github.com/galeone/tensorflow/tensorflow/go"
)

// A Model is a loaded network. It is safe for concurrent use.
type Model struct {
	engine engine
	info   Info
	width  int // of a vector; 0 where the model has none
	log    *slog.Logger

	stylizeContent, stylizeStyle, stylizeOut        tf.Output
	predictStyle, predictVector                     tf.Output
	transformContent, transformVector, transformOut tf.Output

	slots  chan struct{} // holds one for each image in work
	closed chan struct{}
	once   sync.Once

	seen *recent // the vectors of users' pictures and of photographs

	mu       sync.Mutex
	vectors  map[string][]float32   // of named styles: those stored, and those computed since
	pictures map[string]*image.RGBA // of named styles, shrunk, for a model without vectors
}

// An Info says what a model is.
type Info struct {
	// Name is what styles.json calls the model, else the name of its folder.
	Name string
	// Engine is the library that runs it, such as "tensorflow 2.21.0".
	Engine string
	// Signatures are the model's signatures, sorted.
	Signatures []string
	// Vectors: styles are vectors, and not only pictures.
	Vectors bool
	// Styles are the named styles whose vectors are stored with the model, sorted.
	Styles []string
	// Threads and Concurrent are the settings in force.
	Threads, Concurrent int
}

// remembered is how many pictures' vectors are kept: 100 numbers each.
const remembered = 256

// Load reads a model from its folder. It runs nothing: the first image pays for
// the preparation of the graph. A folder that holds no model, a damaged model, or
// one whose signatures don't fit is an error that says what was found and what is
// expected.
func Load(cfg Config) (*Model, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	m, err := open(cfg.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", cfg.Dir, err)
	}
	return m, nil
}

func open(cfg Config) (*Model, error) {
	sigs, err := readSignatures(cfg.Dir)
	if err != nil {
		return nil, err
	}
	c, err := newContract(sigs)
	if err != nil {
		return nil, err
	}
	styles, err := readStyles(cfg.Dir, c.width)
	if err != nil {
		return nil, err
	}
	m := &Model{
		width:    c.width,
		log:      cfg.Log,
		slots:    make(chan struct{}, cfg.Concurrent),
		closed:   make(chan struct{}),
		seen:     newRecent(remembered),
		vectors:  make(map[string][]float32),
		pictures: make(map[string]*image.RGBA),
		info: Info{
			Name: styles.Model, Engine: "tensorflow " + tf.Version(),
			Signatures: c.names, Vectors: c.vectors, Styles: slices.Sorted(maps.Keys(styles.Vectors)),
			Threads: cfg.Threads, Concurrent: cfg.Concurrent,
		},
	}
	maps.Copy(m.vectors, styles.Vectors)
	if m.engine, err = load(cfg.Dir, cfg.Threads, cfg.Concurrent); err != nil {
		return nil, err
	}
	if err := m.connect(c); err != nil {
		m.engine.close()
		return nil, err
	}
	return m, nil
}

// connect looks up the tensors of the contract.
func (m *Model) connect(c *contract) error {
	ports := map[*tf.Output]port{
		&m.stylizeContent: c.stylize.content, &m.stylizeStyle: c.stylize.style, &m.stylizeOut: c.stylize.out,
	}
	if c.vectors {
		maps.Copy(ports, map[*tf.Output]port{
			&m.predictStyle: c.predict.style, &m.predictVector: c.predict.vector,
			&m.transformContent: c.transform.content, &m.transformVector: c.transform.vector, &m.transformOut: c.transform.out,
		})
	}
	for out, p := range ports {
		found, err := m.engine.find(p)
		if err != nil {
			return fmt.Errorf("its signatures name a tensor that the graph lacks: %w", err)
		}
		*out = found
	}
	return nil
}

// Info says what the model is.
func (m *Model) Info() Info {
	i := m.info
	i.Signatures, i.Styles = slices.Clone(i.Signatures), slices.Clone(i.Styles)
	return i
}

// ErrClosed is what a closed model answers.
var ErrClosed = errors.New("the model is closed")

// enter waits for a slot; leave gives it back.
func (m *Model) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-m.closed:
		return ErrClosed
	default:
	}
	select {
	case m.slots <- struct{}{}:
		return nil
	case <-m.closed:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m *Model) leave() { <-m.slots }

// Close waits for the images in work, then frees the model. Whoever waits for a
// slot, or calls later, gets [ErrClosed]. Closing again does nothing.
func (m *Model) Close() error {
	m.once.Do(func() {
		close(m.closed)
		for range cap(m.slots) { // the slots stay taken
			m.slots <- struct{}{}
		}
		m.engine.close()
	})
	return nil
}
