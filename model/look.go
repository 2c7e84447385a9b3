package model

import (
	"fmt"
	"image"

	"github.com/atelier-go/atelier/pkg/style"
)

// known refuses a name for which there is neither a stored vector nor a picture.
func (m *Model) known(name string) error {
	if m.storedVector(name) != nil {
		return nil
	}
	_, err := style.Lookup(name)
	return err
}

func (m *Model) storedVector(name string) []float32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.vectors[name]
}

// vectorFor is the vector of what is asked for at full strength.
func (m *Model) vectorFor(req style.Request) ([]float32, error) {
	if req.Picture != nil {
		return m.vectorOfPicture(req.Picture)
	}
	sum := make([]float32, m.loaded.Width)
	for _, in := range req.Mix {
		v, err := m.vectorOfName(in.Name)
		if err != nil {
			return nil, err
		}
		for i := range sum {
			sum[i] += float32(in.Weight) * v[i]
		}
	}
	return sum, nil
}

// vectorOfName is a named style's vector: the stored one, else that of the
// style's picture, which is computed once.
func (m *Model) vectorOfName(name string) ([]float32, error) {
	if v := m.storedVector(name); v != nil {
		return v, nil
	}
	img, err := cataloguePicture(name)
	if err != nil {
		return nil, err
	}
	v, err := m.read(img)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.vectors[name] = v
	return v, nil
}

// vectorOfPicture is the vector of a user's picture, or of a photograph.
func (m *Model) vectorOfPicture(img *image.RGBA) ([]float32, error) {
	f := fingerprintOf(img)
	if v := m.seen.get(f); v != nil {
		return v, nil
	}
	v, err := m.read(shrink(img))
	if err != nil {
		return nil, err
	}
	m.seen.put(f, v)
	return v, nil
}

// read asks the network for a picture's vector. Unlike a bad pixel, a number that
// is not finite spoils every picture painted with the vector, and is an error.
func (m *Model) read(img *image.RGBA) ([]float32, error) {
	v, err := m.loaded.Vectors.Read(img)
	for _, x := range v {
		if x-x != 0 {
			return nil, fmt.Errorf("the network answered with a style vector that holds %v", x)
		}
	}
	return v, err
}

// A look is a style as a picture, with its share of a blend.
type look struct {
	picture *image.RGBA
	weight  float32
}

// picturesFor is what is asked for, as pictures.
func (m *Model) picturesFor(req style.Request) ([]look, error) {
	if req.Picture != nil {
		return []look{{shrink(req.Picture), 1}}, nil
	}
	var looks []look
	for _, in := range req.Mix {
		img, err := m.pictureOfName(in.Name)
		if err != nil {
			return nil, err
		}
		looks = append(looks, look{img, float32(in.Weight)})
	}
	return looks, nil
}

// pictureOfName is a named style's picture, which is decoded once.
func (m *Model) pictureOfName(name string) (*image.RGBA, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if img := m.pictures[name]; img != nil {
		return img, nil
	}
	img, err := cataloguePicture(name)
	if err == nil {
		m.pictures[name] = img
	}
	return img, err
}

// cataloguePicture is a named style's picture, shrunk.
func cataloguePicture(name string) (*image.RGBA, error) {
	b, err := style.Picture(name)
	if err != nil {
		return nil, err
	}
	img, err := decode(b)
	if err != nil {
		return nil, fmt.Errorf("the picture of style %s: %w", name, err)
	}
	return shrink(img), nil
}
