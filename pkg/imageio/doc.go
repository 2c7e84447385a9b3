// Package imageio turns uploaded files into pixels and pixels into files.
//
// What comes in is hostile until proven otherwise: [Inspect] judges a file by
// its structure alone, without allocating anything that grows with the sizes
// the file claims, and [Decode] decodes only what Inspect let through. What comes
// out of Decode is always the same kind of picture: upright, in sRGB, opaque, at
// the origin, and without a trace of the file's metadata.
//
// The pixels are decoded by the standard library, and those of WebP files by
// golang.org/x/image, which ignore everything but the pixels. Of an animation they
// get to see only the first frame. WebP files are written by libwebp in a sandbox;
// its 0.2 s to start are paid by the first such file that a process writes.
//
// Orientation and colour are read here; colour profiles are evaluated by this
// package itself, in bounded time and memory (see colorProfile). kovidgoyal/imaging
// resizes, reads the pixels of Go's image types, and decodes JPEG files with odd
// chroma sampling. Its own Decode and its colour profiles are not used, for what
// v1.8.19 does:
//
//   - A file of 300 bytes has it allocate gigabytes: for a profile that claims
//     billions of tags or curve points, or a table whose values have no bytes, or for
//     a frame of an animated PNG, whose size it believes and all of whose frames it
//     decodes. A compressed profile is unpacked without a limit.
//   - It inverts each curve of a profile, whether that is needed or not, and in
//     quadratic time where one falls: a file of 684 bytes takes minutes.
//   - A progressive JPEG of 62 KB and 4 megapixels takes it 19 s (so it would the
//     standard library, see maxScans).
//   - Interlaced true-colour PNG files come out black, and so do grey pictures with
//     a wide-gamut profile and the pure red and green of Display P3.
//   - A profile for grey, an EXIF block that it can't parse or fill bytes between
//     segments, all met in real files, fail the picture. A linear profile panics.
//   - It gives all pixels in a row of a lossy picture with alpha the alpha of the
//     first (so it would any WebP file).
package imageio
