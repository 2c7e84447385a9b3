package model

import (
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
)

// A Model is a loaded network. It is safe for concurrent use.
type Model struct {
	loaded *Loaded
	info   Info
	log    *slog.Logger

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
	// SHA256 is that of what sha256sum writes of the files that the engine reads, in the
	// order of their names. Each engine reads its own.
	SHA256 string
	// Shipped: these files are, byte for byte, those that come with the project.
	Shipped bool
	// Engine is the library that runs it, such as "tensorflow 2.21.0".
	Engine string
	// Signatures are the model's signatures, sorted, also those not used.
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

// Open reads a model from its folder; the packages of the engines call it. It runs
// nothing: the first image pays for the preparation of the graph. A folder that
// holds no model, a damaged model, or one that is made otherwise is an error that
// says what was found and what is expected.
func Open(cfg Config, engine Engine) (*Model, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	m, err := open(cfg.withDefaults(), engine)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", cfg.Dir, err)
	}
	return m, nil
}

func open(cfg Config, engine Engine) (*Model, error) {
	folder, err := os.Stat(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("its folder: %w", err)
	}
	if !folder.IsDir() {
		return nil, fmt.Errorf("%s is no folder: a model is a folder of files", cfg.Dir)
	}
	root, err := os.OpenRoot(cfg.Dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	files := &Folder{root: root, sums: make(map[string]string)}
	styles, err := readStyles(files)
	if err != nil {
		return nil, err
	}
	if err := files.claims(styles.Model); err != nil {
		return nil, err
	}
	load, err := engine(cfg, files)
	if err != nil {
		return nil, err
	}
	sum := files.digest()
	if cfg.SHA256 != "" && !strings.EqualFold(cfg.SHA256, sum) {
		return nil, fmt.Errorf("its SHA-256 is %s, and %s was asked for: it is another model, or was changed; whoever trusts it asks for its own", sum, cfg.SHA256)
	}
	loaded, err := load()
	if err != nil {
		return nil, err
	}
	if err := styles.fit(loaded.Width); err != nil {
		loaded.Close()
		return nil, err
	}
	m := &Model{
		loaded:   loaded,
		log:      cfg.Log,
		slots:    make(chan struct{}, cfg.Concurrent),
		closed:   make(chan struct{}),
		seen:     newRecent(remembered),
		vectors:  make(map[string][]float32),
		pictures: make(map[string]*image.RGBA),
		info: Info{
			Name: styles.Model, Engine: loaded.Engine,
			Signatures: loaded.Signatures, Vectors: loaded.Vectors != nil, Styles: slices.Sorted(maps.Keys(styles.Vectors)),
			SHA256: sum, Shipped: files.want != nil,
			Threads: cfg.Threads, Concurrent: cfg.Concurrent,
		},
	}
	maps.Copy(m.vectors, styles.Vectors)
	return m, nil
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
// slot, or calls later and needs the network, gets [ErrClosed]. Closing again does nothing.
func (m *Model) Close() error {
	m.once.Do(func() {
		close(m.closed)
		for range cap(m.slots) { // the slots stay taken
			m.slots <- struct{}{}
		}
		m.loaded.Close()
	})
	return nil
}
