package imageio

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// The builders below make files byte by byte, so that tests can put false values in them.

func be16(v int) []byte    { return binary.BigEndian.AppendUint16(nil, uint16(v)) }
func be32(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func pngChunk(kind string, data []byte) []byte {
	body := join([]byte(kind), data)
	return join(be32(uint32(len(data))), body, be32(crc32.ChecksumIEEE(body)))
}

func pngHeader(w, h uint32, depth, kind, interlace byte) []byte {
	return pngChunk("IHDR", join(be32(w), be32(h), []byte{depth, kind, 0, 0, interlace}))
}

func pngFile(chunks ...[]byte) []byte {
	return join([]byte(pngSignature), join(chunks...), pngChunk("IEND", nil))
}

func deflate(data []byte) []byte {
	var b bytes.Buffer
	z, err := zlib.NewWriterLevel(&b, zlib.BestCompression)
	if err == nil {
		_, err = z.Write(data)
	}
	if err = errors.Join(err, z.Close()); err != nil {
		panic(err) // a buffer accepts all writes
	}
	return b.Bytes()
}

// withChunks inserts chunks after a PNG file's header.
func withChunks(file []byte, chunks ...[]byte) []byte {
	const afterHeader = 8 + 25
	return join(file[:afterHeader], join(chunks...), file[afterHeader:])
}

func segment(marker byte, data []byte) []byte {
	return join([]byte{0xff, marker}, be16(len(data)+2), data)
}

// withSegments inserts segments after a JPEG file's start marker.
func withSegments(file []byte, segments ...[]byte) []byte {
	return join(file[:2], join(segments...), file[2:])
}

// gpsText is in an EXIF block's GPS directory; it must not be in an encoded file.
const gpsText = "GPS-48.8584N-2.2945E"

// exifBlock returns a TIFF structure whose first directory has an orientation and a directory of
// GPS data.
func exifBlock(orientation int, order binary.AppendByteOrder) []byte {
	magic := "II*\x00"
	if order == binaryBE {
		magic = "MM\x00*"
	}
	u16, u32 := order.AppendUint16, order.AppendUint32
	b := u32([]byte(magic), 8)
	b = u16(b, 2)
	b = u32(u16(u16(b, 0x0112), 3), 1) // orientation, SHORT, one
	b = u16(u16(b, uint16(orientation)), 0)
	gps := uint32(8 + 2 + 2*12 + 4)
	b = u32(u32(u16(u16(b, 0x8825), 4), 1), gps)
	b = u32(b, 0)
	b = u16(b, 1)
	b = u32(u16(u16(b, 0x001d), 2), uint32(len(gpsText)))
	b = u32(b, gps+2+12+4)
	b = u32(b, 0)
	return append(b, gpsText...)
}

func exifSegment(orientation int) []byte {
	return segment(0xe1, join([]byte("Exif\x00\x00"), exifBlock(orientation, binaryLE)))
}

type tag struct {
	name string
	data []byte
}

func fixed16(v float64) []byte { return be32(uint32(int32(v * 65536))) }

func xyz(x, y, z float64) []byte {
	return join([]byte("XYZ \x00\x00\x00\x00"), fixed16(x), fixed16(y), fixed16(z))
}

// iccProfile returns the profile of a screen in the given colour space.
func iccProfile(space string, tags ...tag) []byte {
	head := make([]byte, 128)
	copy(head[8:], "\x04\x00\x00\x00mntr"+space+"XYZ ")
	copy(head[36:], "acsp")
	copy(head[68:], join(fixed16(0.9642), fixed16(1), fixed16(0.8249)))
	index, data := be32(uint32(len(tags))), []byte(nil)
	for _, t := range tags {
		index = join(index, []byte(t.name), be32(uint32(128+4+12*len(tags)+len(data))), be32(uint32(len(t.data))))
		data = append(data, t.data...)
		for len(data)%4 != 0 {
			data = append(data, 0)
		}
	}
	p := join(head, index, data)
	copy(p, be32(uint32(len(p))))
	return p
}

// srgbCurve returns sRGB's transfer function as a parametric curve.
func srgbCurve() []byte {
	return join([]byte("para\x00\x00\x00\x00\x00\x03\x00\x00"), fixed16(2.4),
		fixed16(1/1.055), fixed16(0.055/1.055), fixed16(1/12.92), fixed16(0.04045))
}

func gammaCurve(gamma float64) []byte {
	return join([]byte("curv\x00\x00\x00\x00"), be32(1), be16(int(gamma*256)))
}

func matrixProfile(r, g, b, curve []byte) []byte {
	return iccProfile("RGB ", tag{"rXYZ", r}, tag{"gXYZ", g}, tag{"bXYZ", b},
		tag{"rTRC", curve}, tag{"gTRC", curve}, tag{"bTRC", curve}, tag{"wtpt", xyz(0.9642, 1, 0.8249)})
}

func displayP3() []byte {
	return matrixProfile(xyz(0.51512, 0.2412, -0.00105), xyz(0.29198, 0.69225, 0.04189), xyz(0.1571, 0.06657, 0.78407), srgbCurve())
}

// iccSegments splits a profile into n segments.
func iccSegments(profile []byte, n int) []byte {
	var out []byte
	for i := range n {
		piece := profile[len(profile)*i/n : len(profile)*(i+1)/n]
		out = append(out, segment(0xe2, join([]byte("ICC_PROFILE\x00"), []byte{byte(i + 1), byte(n)}, piece))...)
	}
	return out
}

func iccpChunk(profile []byte) []byte {
	return pngChunk("iCCP", join([]byte("p\x00\x00"), deflate(profile)))
}

// flatJPEG returns a grey JPEG file in which each block takes two bits, all zero. sampling has the
// sampling factors of each component (0x21: two across, one down), scans the bytes of entropy-coded
// data of each scan.
func flatJPEG(width, height int, marker byte, sampling []byte, scans ...[]byte) []byte {
	frame := join([]byte{8}, be16(height), be16(width), []byte{byte(len(sampling))})
	for i, s := range sampling {
		frame = append(frame, byte(i+1), s, 0)
	}
	quant := bytes.Repeat([]byte{1}, 65)
	quant[0] = 0
	counts := make([]byte, 16)
	counts[0] = 1
	dc, ac := join([]byte{0x00}, counts, []byte{0}), join([]byte{0x10}, counts, []byte{0})
	out := join([]byte{0xff, 0xd8}, segment(0xdb, quant), segment(marker, frame), segment(0xc4, dc), segment(0xc4, ac))
	for _, s := range scans {
		out = append(out, s...)
	}
	return append(out, 0xff, 0xd9)
}

// baselineScan returns a scan of all components with the given number of blocks.
func baselineScan(components, blocks int) []byte {
	head := []byte{byte(components)}
	for i := range components {
		head = append(head, byte(i+1), 0)
	}
	return join(segment(0xda, append(head, 0, 63, 0)), make([]byte, (2*blocks+7)/8))
}

func gradient(width, height int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.SetNRGBA(x, y, color.NRGBA{uint8(x * 255 / width), uint8(y * 255 / height), uint8((x + y) * 255 / (width + height)), 255})
		}
	}
	return img
}

func noise(width, height int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	r := rand.New(rand.NewPCG(1, 2))
	for i := range img.Pix {
		img.Pix[i] = uint8(r.Uint32())
		if i%4 == 3 {
			img.Pix[i] = 255
		}
	}
	return img
}

func toPNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func toJPEG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

var (
	binaryLE = binary.AppendByteOrder(binary.LittleEndian)
	binaryBE = binary.AppendByteOrder(binary.BigEndian)
)
