package job

// A Footprint is the memory that a worker takes, in bytes: what is known of it
// before a picture is painted. The API refuses by it what workers can't hold, and
// workers paint no more at once than they can hold.
type Footprint struct {
	Loaded int64 // the process with its model, idle
	Run    int64 // a run of the network, whatever the size
	Pixel  int64 // for each pixel of a picture in the network, its own and the result's included
}

// The footprints of the shipped model on either engine, each some percent above
// what scripts/bench memory finds from 256x256 to 3072x3072. Magenta's network
// takes twice as much on TensorFlow.
var (
	FootprintTensorFlow = Footprint{Loaded: 400 << 20, Run: 8 << 20, Pixel: 115}
	FootprintONNX       = Footprint{Loaded: 56 << 20, Run: 8 << 20, Pixel: 180}
)

// Picture is what one picture takes in work, beside the loaded model. width and
// height are the result's, decode is what decoding takes (imageio.DecodeMemory):
// its garbage may still be there when the network runs.
func (f Footprint) Picture(width, height int, decode int64) int64 {
	return f.Run + decode + f.Pixel*int64(width)*int64(height)
}
