package onnx

// MemoryNeeded estimates the bytes that one run on a picture of this size takes at
// its peak, beyond the process with the model loaded (70 MB), the picture itself and
// its result included. As many runs as are concurrent add up.
//
// Measured with the shipped network: 177 to 187 bytes per pixel from 512x512 to
// 2048x2048 in a fresh process (160 at 3072x3072), and after smaller pictures up to
// 20 MB more, which an arena keeps of them (scripts/bench memory).
func MemoryNeeded(width, height int) int64 {
	return 24<<20 + 190*int64(width)*int64(height)
}
