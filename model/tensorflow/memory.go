package tensorflow

// MemoryNeeded estimates the bytes that one run on a picture of this size takes at
// its peak, beyond the process with the model loaded (0.37 GB), the picture
// itself and its result included. As many runs as are concurrent add up.
//
// Measured with the shipped model: 154 to 157 bytes per pixel from 512x512 to
// 3072x3072 (scripts/bench memory), in which the network's widest layer is most;
// the rest is for what the allocator can't use. Magenta's network takes 170 to
// 200 bytes up to 2048x2048, 270 at 3072x3072, and 0.5 GB loaded.
func MemoryNeeded(width, height int) int64 {
	return 8<<20 + 165*int64(width)*int64(height)
}
