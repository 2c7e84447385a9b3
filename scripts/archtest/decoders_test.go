package archtest

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOnlyPictureDecoderDecodes: only picture-decoder, which the system limits, decodes pictures of
// users. The test checks the symbols of the programs for functions that they could call.
func TestOnlyPictureDecoderDecodes(t *testing.T) {
	decoders := []string{"decodeJPEG", "decodePNG", "decodeWebP", "decodeGIF"}
	for main, decodes := range map[string]bool{
		"worker/cmd/picture-decoder": true,
		"api/cmd/api-server":         false,
		"api/cmd/api-lambda":         false,
		"submitter":                  false,
	} {
		t.Run(main, func(t *testing.T) {
			program := filepath.Join(t.TempDir(), "program")
			build := exec.Command("go", "build", "-tags=nodynamic", "-o", program, module+"/"+main)
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			symbols, err := exec.Command("go", "tool", "nm", program).Output()
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range decoders {
				if got := bytes.Contains(symbols, []byte("pkg/imageio."+name+"\n")); got != decodes {
					t.Errorf("%s is linked: %v, want %v", name, got, decodes)
				}
			}
			if !strings.HasPrefix(main, "worker") && bytes.Contains(symbols, []byte("pkg/decoder/child.")) {
				t.Error("it links the decoder's server side")
			}
		})
	}
}
