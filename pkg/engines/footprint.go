package engines

import "github.com/atelier-go/atelier/pkg/job"

// A Footprint is the memory in bytes that a worker takes, as far as it is known before a picture is
// painted. The API refuses pictures that workers can't hold by it, and workers paint no more
// pictures at the same time than they can hold.
type Footprint struct {
	Loaded int64 // the idle process with its model, after many pictures, without its decoders
	Run    int64 // a run of the network, whatever the size
	Pixel  int64 // for each pixel of a picture in the network, including the picture and the result
}

// Idle returns what an idle worker takes that can paint concurrent pictures at the same time, with a
// decoder for each.
func (f Footprint) Idle(concurrent int) int64 { return f.Loaded + int64(concurrent)*job.IdleDecoder }

// Picture returns what a picture in work takes in addition to the loaded model. width and height are
// those of the result; decode is what comes before the network (imageio.JobMemory), which is added
// because its garbage may still be there when the network runs.
func (f Footprint) Picture(width, height int, decode int64) int64 {
	return f.Run + decode + f.Pixel*int64(width)*int64(height)
}
