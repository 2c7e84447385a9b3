package runtimeapi_test

import (
	"fmt"
	"time"

	"github.com/atelier-go/atelier/scripts/comparison/measurement/runtimeapi"
)

// The start of a cold environment is billed with its first event.
func ExampleInvocation_Billed() {
	warm := runtimeapi.Invocation{Took: 95200 * time.Microsecond}
	cold := runtimeapi.Invocation{Cold: true, Start: 310 * time.Millisecond, Took: 95200 * time.Microsecond}
	fmt.Println(warm.Billed(), cold.Billed())
	// Output: 96ms 406ms
}
