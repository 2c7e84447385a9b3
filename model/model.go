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

	lru "github.com/hashicorp/golang-lru/v2"
)

// A Model is a loaded network. It is safe for concurrent use.
type Model struct {
	loaded *Loaded
	info   Info
	log    *slog.Logger

	slots  chan struct{} // holds an element for each image being painted
	closed chan struct{}
	once   sync.Once

	cache *lru.Cache[fingerprint, []float32] // the vectors, not to be changed, of users' pictures and of photographs

	mu       sync.Mutex
	vectors  map[string][]float32   // of named styles: stored ones, and those computed since
	pictures map[string]*image.RGBA // of named styles, shrunk, for a model without vectors
}

// An Info describes a model.
type Info struct {
	// Name is the model's name in styles.json, or the name of its folder if there is no
	// styles.json.
	Name string
	// SHA256 is the SHA-256 of the output of sha256sum for the files that the engine reads,
	// sorted by name. Each engine reads its own files.
	SHA256 string
	// Shipped reports whether these files are identical to those of the model that comes with the
	// project.
	Shipped bool
	// Engine is the library that runs it, such as "tensorflow 2.21.0".
	Engine string
	// Signatures are the model's signatures, sorted, including unused ones.
	Signatures []string
	// Vectors reports whether styles are vectors. Otherwise they are pictures only.
	Vectors bool
	// Styles are the named styles whose vectors are stored with the model, sorted.
	Styles []string
	// Threads and Concurrent are the settings as they are used, with the defaults applied.
	Threads, Concurrent int
}

// cacheSize is for how many pictures the vectors are cached; each has 100 numbers.
const cacheSize = 256

// Open loads a model from its folder with an engine. The packages of the engines call it. It does
// not run the network: the first image takes longer, because that prepares the graph. If the folder
// has no model, a damaged one, or one of another form, the error says what was found and what is
// expected.
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
		return nil, fmt.Errorf("%s is not a folder: a model is a folder of files", cfg.Dir)
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
	if err := files.requireSums(styles.Model); err != nil {
		return nil, err
	}
	load, err := engine(cfg, files)
	if err != nil {
		return nil, err
	}
	sum := files.digest()
	if cfg.SHA256 != "" && !strings.EqualFold(cfg.SHA256, sum) {
		return nil, fmt.Errorf("its SHA-256 is %s, not the required %s: it is another model, or was changed; to accept it, require its own SHA-256", sum, cfg.SHA256)
	}
	loaded, err := load()
	if err != nil {
		return nil, err
	}
	if err := styles.checkWidths(loaded.Width); err != nil {
		loaded.Close()
		return nil, err
	}
	cache, err := lru.New[fingerprint, []float32](cacheSize)
	if err != nil {
		panic(err) // the size is a constant
	}
	m := &Model{
		loaded:   loaded,
		log:      cfg.Log,
		slots:    make(chan struct{}, cfg.Concurrent),
		closed:   make(chan struct{}),
		cache:    cache,
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

// Info returns the model's description.
func (m *Model) Info() Info {
	i := m.info
	i.Signatures, i.Styles = slices.Clone(i.Signatures), slices.Clone(i.Styles)
	return i
}

// ErrClosed is returned by a model that was closed.
var ErrClosed = errors.New("the model is closed")

// acquireSlot waits for a slot. The caller calls releaseSlot afterwards.
func (m *Model) acquireSlot(ctx context.Context) error {
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

func (m *Model) releaseSlot() { <-m.slots }

// Close waits until the images in work are painted, and frees the model. Calls that wait for a
// slot, and later calls that need the network, return [ErrClosed]. A second Close does nothing.
func (m *Model) Close() error {
	m.once.Do(func() {
		close(m.closed)
		for range cap(m.slots) { // the slots are never released
			m.slots <- struct{}{}
		}
		m.loaded.Close()
	})
	return nil
}
