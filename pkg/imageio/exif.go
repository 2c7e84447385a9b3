package imageio

import "encoding/binary"

// orientationOf returns the orientation (1 to 8) that an EXIF block, beginning
// at its TIFF header, gives in its first directory. Anything that is not a valid
// one is 1: metadata that can't be read never costs the picture.
func orientationOf(tiff []byte) int {
	const upright = 1
	if len(tiff) < 8 {
		return upright
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return upright
	}
	// In uint64, so that no offset a file can name overflows.
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return upright
	}
	const entrySize = 12
	entries := uint64(order.Uint16(tiff[at:]))
	for at += 2; entries > 0 && at+entrySize <= uint64(len(tiff)); entries, at = entries-1, at+entrySize {
		entry := tiff[at : at+entrySize]
		const tagOrientation = 0x0112
		if order.Uint16(entry) != tagOrientation {
			continue
		}
		var v uint32
		switch kind := order.Uint16(entry[2:]); kind {
		case 3: // SHORT, what the standard says
			v = uint32(order.Uint16(entry[8:]))
		case 4: // LONG, what some write
			v = order.Uint32(entry[8:])
		}
		if v < 1 || v > 8 {
			return upright
		}
		return int(v)
	}
	return upright
}

// turned reports whether an orientation exchanges width and height.
func turned(orientation int) bool { return orientation >= 5 }
