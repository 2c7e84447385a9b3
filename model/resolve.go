package model

import (
	"fmt"
	"image"

	"github.com/atelier-go/atelier/pkg/style"
)

// checkName returns an error if a style of this name has neither a stored vector nor a picture.
func (m *Model) checkName(name string) error {
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

// vectorFor returns the vector of the requested style at full strength.
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

// vectorOfName returns the vector of a named style: the stored one or, if there is none, that of
// the style's picture, which is computed once.
func (m *Model) vectorOfName(name string) ([]float32, error) {
	if v := m.storedVector(name); v != nil {
		return v, nil
	}
	img, err := cataloguePicture(name)
	if err != nil {
		return nil, err
	}
	v, err := m.predict(img)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.vectors[name] = v
	return v, nil
}

// vectorOfPicture returns the vector of a user's style picture or of a photograph.
func (m *Model) vectorOfPicture(img *image.RGBA) ([]float32, error) {
	f := fingerprintOf(img)
	if v, ok := m.cache.Get(f); ok {
		return v, nil
	}
	v, err := m.predict(shrink(img))
	if err != nil {
		return nil, err
	}
	m.cache.Add(f, v)
	return v, nil
}

// predict computes the vector of a picture with the network. If a number is not finite it returns
// an error: unlike a bad pixel in one picture, it would spoil every picture that is painted with
// the vector.
func (m *Model) predict(img *image.RGBA) ([]float32, error) {
	v, err := m.loaded.Vectors.Read(img)
	for _, x := range v {
		if x-x != 0 {
			return nil, fmt.Errorf("the network returned a style vector that holds %v", x)
		}
	}
	return v, err
}

// A weightedPicture is the picture of a style, and the style's share of a blend.
type weightedPicture struct {
	picture *image.RGBA
	weight  float32
}

// picturesFor returns the pictures of the requested styles.
func (m *Model) picturesFor(req style.Request) ([]weightedPicture, error) {
	if req.Picture != nil {
		return []weightedPicture{{shrink(req.Picture), 1}}, nil
	}
	var pictures []weightedPicture
	for _, in := range req.Mix {
		img, err := m.pictureOfName(in.Name)
		if err != nil {
			return nil, err
		}
		pictures = append(pictures, weightedPicture{img, float32(in.Weight)})
	}
	return pictures, nil
}

// pictureOfName returns the picture of a named style, shrunk. It is decoded once.
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

// cataloguePicture decodes and shrinks the picture of a named style.
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
