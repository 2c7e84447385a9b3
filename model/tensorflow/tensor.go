package tensorflow

import (
	"encoding/binary"
	"fmt"
	"image"
	"io"
	"math"
	"runtime"
	_ "unsafe" // for go:linkname

	tf "github.com/galeone/tensorflow/tensorflow/go"

	"github.com/atelier-go/atelier/model/internal/pixel"
)

// Pixels are converted without an intermediate copy: ReadTensor reads into the memory that C has
// allocated, and WriteContentsTo writes out of it, each in one call. The readers and writers here
// convert at the same time.

// release frees tensors. The memory of a tensor belongs to C. The binding frees it in a finalizer,
// when the garbage collector happens to run, and the collector sees a few dozen bytes instead of
// megabytes: memory would grow by some images between collections. release calls the binding's
// finalizer method by its linker name: if another version of the binding lacks it, the program does
// not link, instead of failing at run time. Nothing may use the tensors afterwards.
func release(tensors ...*tf.Tensor) {
	for _, t := range tensors {
		if t != nil {
			runtime.SetFinalizer(t, nil)
			deleteTensor(t)
		}
	}
}

//go:linkname deleteTensor github.com/galeone/tensorflow/tensorflow/go.(*Tensor).finalize
func deleteTensor(*tf.Tensor)

// imageTensor converts img to float32 [1,H,W,3] in 0..1. img's alpha is ignored.
func imageTensor(img *image.RGBA) (*tf.Tensor, error) {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	return tf.ReadTensor(tf.Float, []int64{1, int64(h), int64(w), 3}, pixelReader{img})
}

type pixelReader struct{ img *image.RGBA }

// Read implements [io.Reader]. p must be the whole tensor.
func (r pixelReader) Read(p []byte) (int, error) {
	w, h := r.img.Rect.Dx(), r.img.Rect.Dy()
	if len(p) != w*h*3*4 {
		return 0, io.ErrShortBuffer
	}
	for y := range h {
		row := r.img.Pix[y*r.img.Stride:][:w*4]
		out := p[y*w*12:][:w*12]
		for len(row) >= 4 && len(out) >= 12 {
			binary.NativeEndian.PutUint32(out[0:4], math.Float32bits(pixel.Unit[row[0]]))
			binary.NativeEndian.PutUint32(out[4:8], math.Float32bits(pixel.Unit[row[1]]))
			binary.NativeEndian.PutUint32(out[8:12], math.Float32bits(pixel.Unit[row[2]]))
			row, out = row[4:], out[12:]
		}
	}
	return len(p), nil
}

// A pictureWriter blends the output of a network over a picture. Its Write is called by
// WriteContentsTo.
type pictureWriter struct {
	dst *image.RGBA
	// width is how many columns the output has. The output may be wider and higher than dst; its
	// right and bottom edges are then left out.
	width   int
	blender pixel.Blender
}

// Write implements [io.Writer]. p must be the whole output.
func (l *pictureWriter) Write(p []byte) (int, error) {
	w, h := l.dst.Rect.Dx(), l.dst.Rect.Dy()
	blender := l.blender
	for y := range h {
		out := l.dst.Pix[y*l.dst.Stride:][:w*4]
		in := p[y*l.width*12:][:w*12]
		for len(out) >= 4 && len(in) >= 12 {
			// Not a loop over the three channels, which takes 40% longer (BenchmarkPixelsOut).
			out[0] = blender.Blend(out[0], math.Float32frombits(binary.NativeEndian.Uint32(in[0:4])))
			out[1] = blender.Blend(out[1], math.Float32frombits(binary.NativeEndian.Uint32(in[4:8])))
			out[2] = blender.Blend(out[2], math.Float32frombits(binary.NativeEndian.Uint32(in[8:12])))
			out[3] = 255
			out, in = out[4:], in[12:]
		}
	}
	l.blender = blender
	return len(p), nil
}

// drawOver blends answer, of shape [1,H',W',3], over dst. nans is how many values were NaN.
func drawOver(answer *tf.Tensor, dst *image.RGBA, share float32) (nans int, err error) {
	w, h := int64(dst.Rect.Dx()), int64(dst.Rect.Dy())
	s := answer.Shape()
	if answer.DataType() != tf.Float || len(s) != 4 || s[0] != 1 || s[3] != 3 ||
		s[1] < h || s[1] > h+maxExcess || s[2] < w || s[2] > w+maxExcess {
		return 0, fmt.Errorf("the network returned shape %v for a picture of [1 %d %d 3]: expected is the same shape, or height and width up to %d more", s, h, w, maxExcess)
	}
	l := &pictureWriter{dst: dst, width: int(s[2]), blender: pixel.NewBlender(share)}
	_, err = answer.WriteContentsTo(l)
	return l.blender.NaNs, err
}

// maxExcess is by how many pixels the sides of the output may exceed those of the picture. A
// network that halves a picture twice and doubles it again rounds the sides up to multiples of 4.
const maxExcess = 3

// vectorTensor returns v as a tensor, float32 [1,N].
func vectorTensor(v []float32) (*tf.Tensor, error) {
	return tf.ReadTensor(tf.Float, []int64{1, int64(len(v))}, vectorReader(v))
}

type vectorReader []float32

func (v vectorReader) Read(p []byte) (int, error) {
	return binary.Encode(p, binary.NativeEndian, []float32(v))
}

// vectorOf returns the vector in a tensor, or an error if the tensor is not float32 [1,width].
func vectorOf(answer *tf.Tensor, width int) ([]float32, error) {
	if s := answer.Shape(); answer.DataType() != tf.Float || len(s) != 2 || s[0] != 1 || s[1] != int64(width) {
		return nil, fmt.Errorf("the network returned shape %v instead of a vector [1 %d]", s, width)
	}
	v := make(vectorWriter, width)
	_, err := answer.WriteContentsTo(v)
	return v, err
}

type vectorWriter []float32

func (v vectorWriter) Write(p []byte) (int, error) {
	return binary.Decode(p, binary.NativeEndian, []float32(v))
}
