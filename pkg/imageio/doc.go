// Package imageio decodes uploaded pictures and encodes results.
//
// All input is untrusted: [Inspect] checks a file by its structure only, without allocating
// anything that grows with the sizes that the file declares, and [Decode] decodes only what Inspect
// accepts. Decode always returns the same kind of picture: upright, in sRGB, opaque, at the origin,
// and without any of the file's metadata.
//
// The standard library decodes the pixels, and golang.org/x/image those of WebP files; both ignore
// everything except the pixels. Of an animation they receive only the first frame. libwebp writes
// WebP files in a sandbox; the first such file that a process writes takes 0.2 s longer, to start
// it.
//
// This package reads orientation and colour itself and evaluates colour profiles in bounded time
// and memory (see colorProfile). kovidgoyal/imaging resizes, reads the pixels of Go's image types,
// and decodes JPEG files with unusual chroma sampling. Its own Decode and its colour profiles are
// not used, because v1.8.19 has these faults:
//
//   - A file of 300 bytes makes it allocate gigabytes: for a profile that declares billions of
//     tags or curve points, or a table whose values have no bytes, or for a frame of an animated
//     PNG, because it trusts the frame's declared size and decodes all frames. It decompresses a
//     profile without a limit.
//   - It inverts each curve of a profile, whether that is needed or not, in quadratic time if the
//     curve falls: a file of 684 bytes takes minutes.
//   - A progressive JPEG of 62 KB and 4 megapixels takes 19 s (as in the standard library, see
//     maxScans).
//   - Interlaced true-colour PNG files become black, and so do grey pictures with a wide-gamut
//     profile and the pure red and green of Display P3.
//   - A grey profile, an EXIF block that it can't parse or fill bytes between segments, all found
//     in real files, make it refuse the picture. A linear profile makes it panic.
//   - It gives all pixels in a row of a lossy picture with alpha the alpha of the first pixel (in
//     any WebP file).
package imageio
