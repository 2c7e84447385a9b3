package measurement

import (
	"os"
	"path/filepath"
)

// Programs are what is measured, and where.
type Programs struct {
	Root    string // the checkout
	Bin     string // folder of the project's programs
	Model   string // folder
	Samples string // folder of the photographs
	Python  string // with TensorFlow; "": the Python server is left out

	Teacher string // folder with Magenta's network; "": what needs it is left out

	Trace *Trace // of the pattern [Recorded]

	TensorFlow, ONNXRuntime string // folders of the libraries, with lib/ in them

	Scratch string // a folder for stores and logs, on the disk that is to be measured
	Cgroup  string // a delegated control group of version 2; "": the system's root

	mount string // of the network file system on which engine, model and jobs are; "" where they are not
}

// program is one of the project's, with an engine's.
func (p Programs) program(name, engine string) string {
	if engine == ONNX {
		name += "-onnx"
	}
	return filepath.Join(p.Bin, name)
}

// folder makes an empty one for a run. It stays until the measurement's end: a file system
// that has just removed many files can be slower for minutes.
func (p Programs) folder(name string) (string, error) {
	dir, err := os.MkdirTemp(p.Scratch, name+"-")
	if err != nil {
		return "", err
	}
	return filepath.Abs(dir)
}

// library is the folder of an engine's.
func (p Programs) library(engine string) string {
	if engine == ONNX {
		return p.ONNXRuntime
	}
	return p.TensorFlow
}
