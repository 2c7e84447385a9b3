package tensorflow

import (
	"fmt"
	"image"

	tf "github.com/galeone/tensorflow/tensorflow/go"

	"github.com/atelier-go/atelier/model"
)

// Load loads the SavedModel in cfg.Dir; see [model.Open]. cfg.Threads is the size of a thread pool
// that all images of the process share. The first model that a process loads determines it.
func Load(cfg model.Config) (*model.Model, error) { return model.Open(cfg, open) }

func open(cfg model.Config, files *model.Folder) (load func() (*model.Loaded, error), err error) {
	sigs, err := readModel(files)
	if err != nil {
		return nil, err
	}
	c, err := newContract(sigs)
	if err != nil {
		return nil, err
	}
	return func() (*model.Loaded, error) { return loadChecked(cfg, c) }, nil
}

// loadChecked lets TensorFlow load a folder that readModel has checked.
func loadChecked(cfg model.Config, c *contract) (loaded *model.Loaded, err error) {
	e, err := load(cfg.Dir, cfg.Threads, cfg.Concurrent)
	if err != nil {
		return nil, err
	}
	loaded = &model.Loaded{Engine: "tensorflow " + tf.Version(), Signatures: c.names, Width: c.width, Close: e.close}
	if c.vectors {
		loaded.Vectors, err = newVectorNetwork(e, c)
	} else {
		loaded.Pictures, err = newPictureNetwork(e, c)
	}
	if err != nil {
		e.close()
		return nil, fmt.Errorf("its signatures name a tensor that the graph lacks: %w", err)
	}
	return loaded, nil
}

// A vectorNetwork is a graph with the signatures predict_style and transform.
type vectorNetwork struct {
	engine               *engine
	width                int
	style, predicted     tf.Output
	content, vector, out tf.Output
}

func newVectorNetwork(e *engine, c *contract) (*vectorNetwork, error) {
	n := &vectorNetwork{engine: e, width: c.width}
	return n, e.lookUp(map[*tf.Output]port{
		&n.style: c.predict.style, &n.predicted: c.predict.vector,
		&n.content: c.transform.content, &n.vector: c.transform.vector, &n.out: c.transform.out,
	})
}

// Read implements [model.VectorNetwork].
func (n *vectorNetwork) Read(style *image.RGBA) ([]float32, error) {
	s, err := imageTensor(style)
	if err != nil {
		return nil, err
	}
	defer release(s)
	answer, err := n.engine.run(n.predicted, map[tf.Output]*tf.Tensor{n.style: s})
	if err != nil {
		return nil, err
	}
	defer release(answer)
	return vectorOf(answer, n.width)
}

// Paint implements [model.VectorNetwork].
func (n *vectorNetwork) Paint(content *image.RGBA, style []float32, dst *image.RGBA, share float32) (nans int, err error) {
	c, err := imageTensor(content)
	if err != nil {
		return 0, err
	}
	defer release(c)
	v, err := vectorTensor(style)
	if err != nil {
		return 0, err
	}
	defer release(v)
	return n.engine.paint(n.out, map[tf.Output]*tf.Tensor{n.content: c, n.vector: v}, dst, share)
}

// A pictureNetwork is a graph that has only the signature serving_default.
type pictureNetwork struct {
	engine              *engine
	content, style, out tf.Output
}

func newPictureNetwork(e *engine, c *contract) (*pictureNetwork, error) {
	n := &pictureNetwork{engine: e}
	return n, e.lookUp(map[*tf.Output]port{&n.content: c.stylize.content, &n.style: c.stylize.style, &n.out: c.stylize.out})
}

// Paint implements [model.PictureNetwork].
func (n *pictureNetwork) Paint(content, style, dst *image.RGBA, share float32) (nans int, err error) {
	c, err := imageTensor(content)
	if err != nil {
		return 0, err
	}
	defer release(c)
	s, err := imageTensor(style)
	if err != nil {
		return 0, err
	}
	defer release(s)
	return n.engine.paint(n.out, map[tf.Output]*tf.Tensor{n.content: c, n.style: s}, dst, share)
}
