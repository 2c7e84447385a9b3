package imageio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"

	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
)

func Example() {
	var upload bytes.Buffer
	if err := png.Encode(&upload, image.NewGray(image.Rect(0, 0, 640, 480))); err != nil {
		fmt.Println(err)
		return
	}
	img, info, err := imageio.Decode(context.Background(), upload.Bytes(), imageio.DefaultLimits())
	if err != nil {
		fmt.Println(err)
		return
	}
	small := imageio.Fit(img, 256)
	var result bytes.Buffer
	err = imageio.Encode(&result, small, "jpeg", 90)
	fmt.Println(info.Format, info.Width, info.Height, "->", small.Bounds().Max, imageio.ContentType("jpeg"), err)
	// Output: png 640 480 -> (256,192) image/jpeg <nil>
}

func ExampleInspect() {
	_, err := imageio.Inspect([]byte("<svg xmlns='http://www.w3.org/2000/svg'/>"), imageio.DefaultLimits())
	fmt.Println(errors.Is(err, job.ErrUnsupportedImage))
	fmt.Println(err)
	// Output:
	// true
	// not an image in a format that is read: this looks like SVG; JPEG, PNG, WebP and GIF are read
}
