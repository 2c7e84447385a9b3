package measurement

import (
	"os"
	"path/filepath"
)

// Programs are the measured programs, with the folders that they need.
type Programs struct {
	Root    string // the checkout
	Bin     string // folder of the project's programs
	Model   string // folder
	Samples string // folder of the photographs
	Python  string // Python with TensorFlow; "": the Python server is left out

	Teacher string // folder with Magenta's network; "": its variants are left out

	Trace *Trace // for the pattern [Recorded]

	TensorFlow, ONNXRuntime string // folders of the libraries, each with a subfolder lib

	Scratch string // a folder for stores and logs, on the disk to be measured
	Cgroup  string // a delegated control group of version 2; "": the root group

	mount string // of the network file system with engine, model and jobs; "" if they are on a local disk
}

// program returns the path of one of the project's programs, built for an engine.
func (p Programs) program(name, engine string) string {
	if engine == ONNX {
		name += "-onnx"
	}
	return filepath.Join(p.Bin, name)
}

// folder makes an empty folder for a run. It is kept until the end of the measurement, because a
// file system from which many files were just removed can be slower for minutes.
func (p Programs) folder(name string) (string, error) {
	dir, err := os.MkdirTemp(p.Scratch, name+"-")
	if err != nil {
		return "", err
	}
	return filepath.Abs(dir)
}

// library returns the folder of an engine's library.
func (p Programs) library(engine string) string {
	if engine == ONNX {
		return p.ONNXRuntime
	}
	return p.TensorFlow
}
