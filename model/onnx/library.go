package onnx

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// DefaultLibrary returns the name of the library that is used if [Config] names none. The dynamic
// linker looks for it in the program's own library path, in LD_LIBRARY_PATH, and among the
// libraries of the system.
func DefaultLibrary() string {
	if runtime.GOOS == "darwin" {
		return "@rpath/libonnxruntime.dylib"
	}
	return "libonnxruntime.so.1"
}

// ErrLibrary means that ONNX Runtime's library is missing or can't be used.
var ErrLibrary = errors.New("ONNX Runtime's library can't be used")

// environment is the environment of ONNX Runtime. The binding has one for the whole process. It is
// never closed, because other models may be loaded later.
var environment struct {
	sync.Mutex
	library string // its name; "" before the first model
}

// openLibrary opens the library, once per process.
func openLibrary(library string) error {
	environment.Lock()
	defer environment.Unlock()
	switch environment.library {
	case library:
		return nil
	case "":
	default:
		return fmt.Errorf("%w: %s: this process already uses %s", ErrLibrary, library, environment.library)
	}
	// Since version 1.29, ONNX Runtime's own builds send usage data to Microsoft and store an
	// identifier of the machine for it, unless this variable is set before the library is used.
	if err := os.Setenv("ORT_DISABLE_TELEMETRY", "1"); err != nil {
		return err
	}
	ort.SetSharedLibraryPath(library)
	// ONNX Runtime logs nothing but fatal errors, because its errors are returned, and would be
	// reported twice.
	if err := ort.InitializeEnvironment(ort.WithLogLevelFatal()); err != nil {
		return fmt.Errorf("%w (1.24 or newer is expected): %w", ErrLibrary, err)
	}
	environment.library = library
	return nil
}
