// Rogue is a picture-decoder that misbehaves on demand, like a decoder with a fault that a hostile
// picture exploits; see decodertest.Rogue.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/atelier-go/atelier/pkg/decoder/child"
	"github.com/atelier-go/atelier/pkg/decoder/decodertest"
)

func main() {
	if err := child.Serve(decode); err != nil {
		fmt.Fprintln(os.Stderr, "rogue:", err)
		os.Exit(1)
	}
}

// spin never returns.
func spin() {
	for n := uint64(0); ; n++ {
		runtime.KeepAlive(n)
	}
}

func decode(req child.Request, input []byte, output io.Writer) (child.Reply, error) {
	is := func(v decodertest.Fault) bool { return bytes.Contains(input, []byte(v)) }
	switch {
	case is(decodertest.Eats):
		var all [][]byte
		for {
			b := make([]byte, 64<<20)
			for i := range b {
				b[i] = 1
			}
			all = append(all, b)
			runtime.KeepAlive(all)
		}
	case is(decodertest.Spins):
		for range runtime.GOMAXPROCS(0) {
			go spin()
		}
		spin()
	case is(decodertest.Sleeps):
		select {}
	case is(decodertest.Crashes):
		debug.SetMaxStack(1 << 20)
		var deep func(int) int
		deep = func(n int) int { return deep(n+1) + 1 }
		deep(0)
	case is(decodertest.Dies):
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case is(decodertest.Babbles):
		for {
			fmt.Print("{\"photo\":")
		}
	case is(decodertest.Floods):
		for {
			if _, err := output.Write(make([]byte, 1<<20)); err != nil {
				return child.Reply{}, err
			}
		}
	}
	reply, err := child.Pictures(req, input, output)
	if is(decodertest.Lies) {
		reply.Photo.Width *= 1000
	}
	return reply, err
}
