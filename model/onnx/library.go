package onnx

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// DefaultLibrary is what the system's linker looks for where a [Config] names no
// library: in the program's own library path, in LD_LIBRARY_PATH, among the
// system's libraries.
func DefaultLibrary() string {
	if runtime.GOOS == "darwin" {
		return "@rpath/libonnxruntime.dylib"
	}
	return "libonnxruntime.so.1"
}

// ErrLibrary says that ONNX Runtime's library is missing, or can't be used.
var ErrLibrary = errors.New("ONNX Runtime's library can't be used")

// environment is of the process: the binding has one, and it is never closed,
// since models come and go.
var environment struct {
	sync.Mutex
	library string // where it comes from; "" before the first model
}

// start opens the library, once in a process.
func start(library string) error {
	environment.Lock()
	defer environment.Unlock()
	switch environment.library {
	case library:
		return nil
	case "":
	default:
		return fmt.Errorf("%w: %s: this process has begun with %s", ErrLibrary, library, environment.library)
	}
	// From 1.29 on ONNX Runtime's own builds send Microsoft what they run, and keep an
	// identifier of the machine for it, unless this is in the environment before the
	// library is used.
	if err := os.Setenv("ORT_DISABLE_TELEMETRY", "1"); err != nil {
		return err
	}
	ort.SetSharedLibraryPath(library)
	// What goes wrong comes back as an error: printing it as well would be twice.
	if err := ort.InitializeEnvironment(ort.WithLogLevelFatal()); err != nil {
		return fmt.Errorf("%w (1.24 or newer is expected): %w", ErrLibrary, err)
	}
	environment.library = library
	return nil
}
