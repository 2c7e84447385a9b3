package job

// A Footprint is the memory that a worker needs, in bytes, as far as it is known before a picture
// is painted. By it the API refuses pictures that no worker has the memory for, and workers limit
// how many they paint at the same time.
type Footprint struct {
	Loaded int64 // the process with its model, idle, after many pictures, without its decoders
	Run    int64 // a run of the network, for any size
	Pixel  int64 // for each pixel of a picture in the network, including its own and the result's
}

// The footprints of the shipped model with each engine, some percent above the measurements of
// scripts/bench memory from 512x512 to 3072x3072: 80 to 121 bytes a pixel with TensorFlow, most of
// it for the network's widest layer; 118 to 144 with ONNX Runtime (154 on an EPYC), the most after
// smaller pictures, of which an arena keeps some memory. The process with TensorFlow grows with
// small pictures of many sizes, by what is compiled for each size and by fragmentation of the heap:
// over 720 of them from 487 to 617 MB on a Xeon with AMX, and from 374 to 494 MB on an EPYC
// (measured once, not by scripts/bench). Magenta's transformer takes 200 to 270 bytes a pixel:
// configure a worker that uses it with half the memory that it has.
var (
	FootprintTensorFlow = Footprint{Loaded: 600 << 20, Run: 8 << 20, Pixel: 125}
	FootprintONNX       = Footprint{Loaded: 80 << 20, Run: 24 << 20, Pixel: 165}
)

// IdleDecoder is the largest memory in bytes that a process for decoding pictures keeps between two
// of them, without the part that the system may reclaim. A worker has one such process for each
// picture that it paints at the same time.
const IdleDecoder = 40 << 20

// Idle returns the memory of a worker that can paint a number of pictures at the same time, while
// it paints none.
func (f Footprint) Idle(concurrent int) int64 { return f.Loaded + int64(concurrent)*IdleDecoder }

// Picture returns the memory for painting one picture, without the loaded model. width and height
// are those of the result. decode is the memory for decoding (imageio.JobMemory), of which some may
// not be collected yet when the network runs.
func (f Footprint) Picture(width, height int, decode int64) int64 {
	return f.Run + decode + f.Pixel*int64(width)*int64(height)
}
