// Picture-decoder decodes the pictures of a worker, which starts it, bounds its memory
// and processor time, and kills it where a picture asks for more (see pkg/decoder). It
// reads requests from standard input: by hand it is of no use.
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
