package job

// IdleDecoder is the memory in bytes that an idle decoder process holds at most, besides pages that
// it has marked as free. A worker has one for each picture that it paints at the same time.
const IdleDecoder = 40 << 20
