package job

// A Footprint is the memory that a worker takes, in bytes: what is known of it
// before a picture is painted. The API refuses by it what workers can't hold, and
// workers paint no more at once than they can hold.
type Footprint struct {
	Loaded int64 // the process with its model, idle, after many pictures, without its decoders
	Run    int64 // a run of the network, whatever the size
	Pixel  int64 // for each pixel of a picture in the network, its own and the result's included
}

// The footprints of the shipped model on either engine, each some percent above
// what scripts/bench memory finds from 512x512 to 3072x3072: with TensorFlow 80 to
// 121 bytes a pixel, in which the network's widest layer is most, with ONNX Runtime
// 118 to 144 (154 on an EPYC), the most after smaller pictures of which an arena keeps something.
// TensorFlow's process grows over small pictures of many sizes, in what is compiled for
// each size and in a heap with holes: over 720 of them from 487 to 617 MB on a Xeon with
// AMX, and from 374 to 494 MB on an EPYC (measured once, not by scripts/bench). Magenta's transformer takes
// 200 to 270 bytes a pixel: a worker that paints with it is to be told of half the memory
// that it has.
var (
	FootprintTensorFlow = Footprint{Loaded: 600 << 20, Run: 8 << 20, Pixel: 125}
	FootprintONNX       = Footprint{Loaded: 80 << 20, Run: 24 << 20, Pixel: 165}
)

// IdleDecoder is the memory in bytes that a process that decodes pictures holds between
// two of them at most, beside what it has marked as free for the system to take. A worker has one for each picture that it paints at once.
const IdleDecoder = 40 << 20

// Idle is what a worker takes that can paint so many pictures at once, while it paints none.
func (f Footprint) Idle(concurrent int) int64 { return f.Loaded + int64(concurrent)*IdleDecoder }

// Picture is what one picture takes in work, beside the loaded model. width and
// height are the result's, decode is what comes before the network (imageio.JobMemory):
// its garbage may still be there when the network runs.
func (f Footprint) Picture(width, height int, decode int64) int64 {
	return f.Run + decode + f.Pixel*int64(width)*int64(height)
}
