package onnx

// MemoryNeeded estimates the bytes that one run on a picture of this size takes at
// its peak, beyond the process with the model loaded, the picture itself and its
// result included. As many runs as are concurrent add up.
func MemoryNeeded(width, height int) int64 {
	return 8<<20 + 180*int64(width)*int64(height)
}
