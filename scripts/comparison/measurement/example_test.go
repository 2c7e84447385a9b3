package measurement_test

import (
	"fmt"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
)

// A variant's name is what --only matches, and the beginning of its files' names.
func ExampleVariant_Name() {
	fmt.Println(measurement.Variant{System: measurement.Service, Engine: measurement.ONNX, Size: 512, MemoryMB: 1769, PeriodMS: 20, Threads: 1}.Name())
	fmt.Println(measurement.Variant{System: measurement.Daemon, Engine: measurement.TensorFlow, Size: 512, Pattern: measurement.Poisson, Rate: 0.5}.Name())
	// Output:
	// service-onnx-512px-1769mb-20ms-1threads
	// daemon-tensorflow-512px-poisson-0_5
}

// Runs on different processor models must not be compared with each other.
func ExampleByProcessor() {
	fast, void, slow := new(measurement.Run), new(measurement.Run), new(measurement.Run)
	fast.Header.Machine.Processor, void.Header.Machine.Processor, slow.Header.Machine.Processor = "EPYC", "EPYC", "Xeon"
	void.Footer.Void = "the load generator was late"
	for processor, runs := range measurement.ByProcessor([]*measurement.Run{fast, void, slow}) {
		fmt.Println(processor, len(runs))
	}
	// Unordered output:
	// EPYC 1
	// Xeon 1
}
