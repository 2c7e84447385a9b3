// Package engines is the catalogue of the engines that can run the network in a worker. It links none
// of them: the API uses it to refuse pictures that no worker can hold.
//
// A further engine is a package below model/ with a Load function, a line in [All], and a file in
// worker/cmd/internal/painter that links it by its build tag.
package engines

// An Engine is an entry of the catalogue.
type Engine struct {
	Name      string // as in the API's --worker-engine
	Footprint Footprint
}

// All are the engines, the default one first. Their footprints are those of the shipped model, with
// a reserve of some percent above what scripts/bench memory measures for pictures from 512x512 to
// 3072x3072. It measures 80 to 121 bytes a pixel with TensorFlow, most of them in the network's
// widest layer, and 118 to 144 with ONNX Runtime (154 on an EPYC); there the most are measured
// after smaller pictures, because its arena keeps some of their memory.
//
// TensorFlow's process grows with small pictures of many sizes, because of what is compiled for
// each size and of holes in the heap: with 720 of them from 487 to 617 MB on a Xeon with AMX, and
// from 374 to 494 MB on an EPYC (measured once, not by scripts/bench).
//
// Magenta's transformer takes 200 to 270 bytes a pixel: a worker that paints with it should be
// configured with half of its memory.
var All = []Engine{
	{"tensorflow", Footprint{Loaded: 600 << 20, Run: 8 << 20, Pixel: 125}},
	{"onnx", Footprint{Loaded: 80 << 20, Run: 24 << 20, Pixel: 165}},
}

// ByName returns the engine with the given name. ok is false if the catalogue has none.
func ByName(name string) (Engine, bool) {
	for _, e := range All {
		if e.Name == name {
			return e, true
		}
	}
	return Engine{}, false
}

// FootprintOf returns the footprint of the engine with the given name, which must be in the
// catalogue: it panics otherwise.
func FootprintOf(name string) Footprint {
	e, ok := ByName(name)
	if !ok {
		panic("engine " + name + " is not in the catalogue")
	}
	return e.Footprint
}

// Names returns the names of all engines, in the order of [All].
func Names() []string {
	names := make([]string, len(All))
	for i, e := range All {
		names[i] = e.Name
	}
	return names
}
