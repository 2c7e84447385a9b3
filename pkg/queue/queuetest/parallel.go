package queuetest

import (
	"flag"
	"testing"
)

// Main is the TestMain of a package that runs the suite. Unless -parallel is set it runs 32 tests
// at a time, not as many as there are processors, because the tests mostly wait.
func Main(m *testing.M) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		_ = flag.Set("test.parallel", "32") // the flag exists and takes a number
	}
	m.Run()
}
