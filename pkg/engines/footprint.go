package engines

import "github.com/atelier-go/atelier/pkg/job"

// A Footprint is how much memory, in bytes, a worker needs, as far as this is known before a
// picture is painted. The API uses it to refuse pictures that no worker can hold, and a worker to
// limit how many pictures it paints at the same time.
type Footprint struct {
	Loaded int64 // the idle process with its model, after many pictures, without its decoders
	Run    int64 // a run of the network, whatever the size
	Pixel  int64 // for each pixel of a picture in the network, including the picture and the result
}

// Idle returns what a worker needs while it paints nothing: the loaded model, and a decoder process
// for each of the concurrent pictures that it can paint at the same time.
func (f Footprint) Idle(concurrent int) int64 { return f.Loaded + int64(concurrent)*job.IdleDecoder }

// Picture returns what one picture needs in addition to the loaded model. width and height are
// those of the result. decode is what decoding needs (imageio.JobMemory); it is added because that
// memory may not have been freed yet when the network runs.
func (f Footprint) Picture(width, height int, decode int64) int64 {
	return f.Run + decode + f.Pixel*int64(width)*int64(height)
}
