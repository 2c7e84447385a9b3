package onnx

// MemoryNeeded estimates the bytes that one run on a picture of this size takes at
// its peak, beyond the process with the model loaded (45 MB), the picture itself and
// its result included. As many runs as are concurrent add up.
//
// Measured with the shipped model: 178 to 190 bytes per pixel from 512x512 to
// 2048x2048.
func MemoryNeeded(width, height int) int64 {
	return 8<<20 + 180*int64(width)*int64(height)
}
