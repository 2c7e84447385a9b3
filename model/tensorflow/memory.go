package tensorflow

// MemoryNeeded estimates the bytes that one run on a picture of this size takes at
// its peak, beyond the process with the model loaded (0.38 GB), the picture
// itself and its result included. As many runs as are concurrent add up.
//
// Measured with the shipped network: 107 to 112 bytes per pixel from 512x512 to
// 3072x3072 in a fresh process, up to 117 after smaller pictures (scripts/bench
// memory), in which the network's widest layer is most; the rest is for what the
// allocator can't use. Magenta's transformer takes 200 bytes per pixel up to
// 2048x2048, and 270 at 3072x3072: a worker that paints with it needs more than
// twice as much.
func MemoryNeeded(width, height int) int64 {
	return 8<<20 + 125*int64(width)*int64(height)
}
