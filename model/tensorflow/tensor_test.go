package tensorflow

import (
	"image"
	"math"
	"testing"

	tf "github.com/galeone/tensorflow/tensorflow/go"
)

func TestEveryByteSurvivesConversion(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 256, 1))
	for i := range 256 {
		copy(img.Pix[4*i:], []uint8{uint8(i), uint8(255 - i), uint8(i * 3), 255})
	}
	tensor, err := imageTensor(img)
	if err != nil {
		t.Fatal(err)
	}
	defer release(tensor)
	values := tensor.Value().([][][][]float32)[0][0]
	for i, v := range values {
		if v[0] != float32(i)/255 {
			t.Errorf("got %v for %d, want %v", v[0], i, float32(i)/255)
		}
	}
	got := image.NewRGBA(img.Rect)
	if _, err := drawOver(tensor, got, 1); err != nil {
		t.Fatal(err)
	}
	for i := range img.Pix {
		if got.Pix[i] != img.Pix[i] {
			t.Fatalf("got %d at byte %d, want %d", got.Pix[i], i, img.Pix[i])
		}
	}
}

func TestVectorSurvivesConversion(t *testing.T) {
	want := []float32{0, -1.5, math.MaxFloat32, 1e-30}
	tensor, err := vectorTensor(want)
	if err != nil {
		t.Fatal(err)
	}
	defer release(tensor)
	got, err := vectorOf(tensor, len(want))
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	if _, err := vectorOf(tensor, 5); err == nil {
		t.Error("got a vector of 5 numbers from one of 4, want an error")
	}
}

func TestDrawOverRefusesOtherTypes(t *testing.T) {
	tensor, err := tf.NewTensor([1][2][2][3]int32{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := drawOver(tensor, image.NewRGBA(image.Rect(0, 0, 2, 2)), 1); err == nil {
		t.Error("got a picture from int32, want an error")
	}
}

func BenchmarkPixelsIn(b *testing.B) {
	img := image.NewRGBA(image.Rect(0, 0, 1024, 1024))
	b.SetBytes(3 << 20)
	for b.Loop() {
		tensor, err := imageTensor(img)
		if err != nil {
			b.Fatal(err)
		}
		release(tensor)
	}
}

func BenchmarkPixelsOut(b *testing.B) {
	img := image.NewRGBA(image.Rect(0, 0, 1024, 1024))
	for i := range img.Pix {
		img.Pix[i] = uint8(i * 31)
	}
	tensor, err := imageTensor(img)
	if err != nil {
		b.Fatal(err)
	}
	defer release(tensor)
	b.SetBytes(3 << 20)
	for b.Loop() {
		if _, err := drawOver(tensor, img, 1); err != nil {
			b.Fatal(err)
		}
	}
}
