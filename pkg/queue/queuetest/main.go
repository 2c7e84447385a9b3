package queuetest

import (
	"flag"
	"testing"
)

// Main is the TestMain of a package that runs the suite. The suite's tests pass
// their time waiting, and go test runs no more of them at once than there are
// cores: here it is all of them, unless -parallel says otherwise.
func Main(m *testing.M) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		_ = flag.Set("test.parallel", "32") // there is such a flag, and it takes a number
	}
	m.Run()
}
