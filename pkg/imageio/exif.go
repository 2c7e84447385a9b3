package imageio

import "encoding/binary"

// orientationOf returns the orientation (1 to 8) that an EXIF block, given from its TIFF header on,
// has in its first directory. If there is no valid one it returns 1: invalid metadata never makes a
// picture invalid.
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
	// In uint64, so that no offset in the file overflows.
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
		case 3: // SHORT, according to the standard
			v = uint32(order.Uint16(entry[8:]))
		case 4: // LONG, written by some programs
			v = order.Uint32(entry[8:])
		}
		if v < 1 || v > 8 {
			return upright
		}
		return int(v)
	}
	return upright
}

// transposes reports whether an orientation exchanges width and height.
func transposes(orientation int) bool { return orientation >= 5 }
