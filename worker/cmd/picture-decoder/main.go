// Picture-decoder decodes the pictures of a worker, which starts it, limits its memory and
// processor time, and kills it if a picture exceeds the limits (see pkg/decoder). It reads requests
// from standard input and is not meant to be run by hand.
package main

import (
	"fmt"
	"os"

	"github.com/atelier-go/atelier/pkg/decoder/child"
)

func main() {
	if err := child.Serve(child.Pictures); err != nil {
		fmt.Fprintln(os.Stderr, "picture-decoder:", err)
		os.Exit(1)
	}
}
