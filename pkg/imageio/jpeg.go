package imageio

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"

	flexjpeg "github.com/kovidgoyal/imaging/jpeg"
)

// maxScans is the largest number of scans in a JPEG file. Each scan visits every block of the
// picture, however few bytes it has: an empty progressive scan of 40 megapixels takes 85 bytes of
// file and 27 ms, so a file of 20 MiB could keep a processor busy for two hours. Encoders write
// about ten scans. A decoder can't find more scans than the parser here does, because inside of a
// scan it accepts no marker except the expected restart marker.
const maxScans = 64

// parseJPEG parses the segments from the start of the image to its end. It skips what image/jpeg
// skips (fill bytes, garbage between segments) and refuses by the header what image/jpeg would
// refuse later.
func parseJPEG(data []byte) (header, error) {
	h := header{orientation: 1}
	var (
		components int  // of the frame; 0 before its header
		sequential bool // not progressive
		scans      int
		exif       bool
		adobe      bool
		profile    profileChunks
	)
	for i := len("\xff\xd8"); ; {
		// bytes.IndexByte makes this fast: nearly all of a file is compressed data
		// without markers.
		skip := bytes.IndexByte(data[i:], 0xff)
		if skip < 0 {
			return h, damaged("the JPEG file ends before the picture does")
		}
		i += skip
		for i < len(data) && data[i] == 0xff {
			i++
		}
		if i == len(data) {
			return h, damaged("the JPEG file ends before the picture does")
		}
		marker := data[i]
		i++
		if marker == 0 || 0xd0 <= marker && marker <= 0xd7 {
			continue // an escaped 0xff in the data, or a restart
		}
		if marker == 0xd9 {
			break // end of image
		}
		if len(data)-i < 2 {
			return h, damaged("the JPEG file ends before the picture does")
		}
		n := int(binary.BigEndian.Uint16(data[i:]))
		if n < 2 {
			return h, damaged("a JPEG segment is shorter than its own length")
		}
		if len(data)-i < n {
			return h, damaged("the JPEG file ends before the picture does")
		}
		segment := data[i+2 : i+n]
		i += n

		switch {
		case marker == 0xc0, marker == 0xc1, marker == 0xc2:
			if components > 0 {
				return h, damaged("the JPEG file has two frame headers")
			}
			var err error
			sequential = marker != 0xc2
			if components, err = parseFrame(segment, !sequential, &h); err != nil {
				return h, err
			}
		case marker == 0xda:
			if components == 0 {
				return h, damaged("the JPEG file has data before its frame header")
			}
			scans++
			// A sequential file has each component once, in a scan of its own or with others.
			if scans > maxScans || sequential && scans > components {
				return h, damaged("the JPEG file has too many scans (%d)", scans)
			}
		case marker == 0xc4, marker == 0xdb, marker == 0xdd: // tables, restart interval
		case marker == 0xe1:
			if tiff, ok := bytes.CutPrefix(segment, []byte("Exif\x00\x00")); ok && !exif {
				h.orientation, exif = orientationOf(tiff), true
			}
		case marker == 0xe2:
			profile.add(segment)
		case marker == 0xee:
			adobe = adobe || len(segment) >= 12 && bytes.HasPrefix(segment, []byte("Adobe"))
		case 0xe0 <= marker && marker <= 0xef, marker == 0xfe: // metadata, comment
		case marker == 0xcc, 0xc9 <= marker && marker <= 0xcf:
			return h, unsupported("a JPEG file with arithmetic coding")
		case 0xc3 <= marker && marker <= 0xcf, marker == 0xf7:
			return h, unsupported("a lossless or hierarchical JPEG file")
		default:
			return h, damaged("the JPEG file has an unknown segment (0x%02x)", marker)
		}
	}
	switch {
	case components == 0, scans == 0:
		return h, damaged("the JPEG file has no picture in it")
	case components == 4 && !adobe:
		// Without the Adobe marker it is unknown whether the inks are inverted.
		return h, unsupported("a JPEG file of four colours without an Adobe marker")
	case int64(h.width)*int64(h.height)/64 > 8*int64(len(data)):
		// A block takes at least one bit, so this can't be the whole picture.
		return h, damaged("the JPEG file holds too little data for %d x %d pixels", h.width, h.height)
	}
	h.profile, h.extra = profile.join()
	return h, nil
}

// parseFrame parses a frame header and returns its number of components.
func parseFrame(seg []byte, progressive bool, h *header) (components int, err error) {
	if len(seg) < 6 || len(seg) != 6+3*int(seg[5]) {
		return 0, damaged("the JPEG file's frame header has the wrong length")
	}
	if seg[0] != 8 {
		return 0, unsupported("a JPEG file with %d bits a channel", seg[0])
	}
	height, width := int(binary.BigEndian.Uint16(seg[1:])), int(binary.BigEndian.Uint16(seg[3:]))
	if width == 0 || height == 0 {
		return 0, damaged("the JPEG file declares a size of %d x %d pixels", width, height)
	}
	components = int(seg[5])
	if components != 1 && components != 3 && components != 4 {
		return 0, unsupported("a JPEG file with %d colour components", components)
	}
	h.width, h.height = width, height

	var hs, vs [4]int
	for i := range components {
		hs[i], vs[i] = int(seg[7+3*i]>>4), int(seg[7+3*i]&15)
		for _, f := range []int{hs[i], vs[i]} {
			if f != 1 && f != 2 && f != 4 {
				return 0, unsupported("a JPEG file with a sampling factor of %d", f)
			}
		}
		// The decoder sizes its planes by the largest factors but counts blocks by those of
		// the first component: if these are smaller, a frame would take up to sixteen times
		// the memory that its size suggests.
		if hs[i] > hs[0] || vs[i] > vs[0] {
			return 0, unsupported("a JPEG file whose chroma is finer than its luma")
		}
	}
	switch components {
	case 3:
		if vs[0] == 4 {
			return 0, unsupported("a JPEG file with a vertical sampling factor of 4")
		}
		h.oddSampling = hs[1] != hs[2] || vs[1] != vs[2]
	case 4:
		if vs[0] == 4 || hs[0] != vs[0] || hs[1]*vs[1] != 1 || hs[2]*vs[2] != 1 || hs[3] != hs[0] || vs[3] != vs[0] {
			return 0, unsupported("a JPEG file of four colours with unusual sampling")
		}
	}
	h.cost = jpegCost(hs[:components], vs[:components], progressive, h.oddSampling)
	return components, nil
}

// jpegCost returns [header].cost for a JPEG file: the result, the planes of samples, for CMYK a
// second picture, and for a progressive file the coefficients of all planes.
func jpegCost(hs, vs []int, progressive, oddSampling bool) int64 {
	const rgba, coefficient = 4, 4 // bytes
	blocks := 0
	for i := range hs {
		blocks += hs[i] * vs[i]
	}
	first := hs[0] * vs[0]
	samples := int64((blocks + first - 1) / first) // a pixel, rounded up
	if oddSampling {
		samples = int64(len(hs)) // kovidgoyal/imaging gives every plane the size of the first
	}
	cost := rgba + samples
	if len(hs) == 4 {
		cost += rgba
	}
	if progressive {
		cost += coefficient * samples
	}
	return cost
}

// decodeJPEG uses the standard library where possible, because it is better maintained;
// kovidgoyal/imaging's fork supports more kinds of chroma sampling.
func decodeJPEG(data []byte, h header) (image.Image, error) {
	if h.oddSampling {
		return flexjpeg.Decode(bytes.NewReader(data))
	}
	return jpeg.Decode(bytes.NewReader(data))
}
