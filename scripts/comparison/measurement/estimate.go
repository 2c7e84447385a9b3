package measurement

import (
	"math"
	"runtime"
	"time"
)

// Estimate returns the approximate duration of a run of the variant on a slow Intel Xeon with two
// processors, including start and end of its programs. On an AMD EPYC the parts without load take
// half the time.
func (v Variant) Estimate() time.Duration {
	if v.Pattern != "" {
		return seconds(v.overhead() + float64(v.Jobs)/v.Rate)
	}
	return seconds(v.overhead() + float64(v.Jobs+1)*v.picture())
}

// overhead returns the seconds of a run in which no picture is painted.
func (v Variant) overhead() float64 {
	switch {
	case v.NFS && v.Engine == TensorFlow:
		return 45
	case v.NFS:
		return 20
	case v.System == Daemon:
		return 2
	case v.System == Flask:
		return 4
	case v.System == MiniStack:
		return 12
	case v.Engine == TensorFlow:
		return 0.8
	}
	return 0.4
}

// picture returns the seconds of a picture in the handler of a worker alone.
func (v Variant) picture() float64 {
	perMegapixel := map[string]float64{TensorFlow: 0.27, ONNX: 0.35}[v.Engine] // processor seconds, including decoding and encoding
	if v.Network == Magenta {
		perMegapixel = 0.7
	}
	processors := math.Min(float64(max(1, v.Threads)), float64(runtime.GOMAXPROCS(0)))
	if share := v.CPUs(); share > 0 {
		processors = math.Min(processors, share)
	}
	if processors > 1 {
		processors = 1 + (processors-1)/2 // a second thread adds half of the speed
	}
	return (0.01 + perMegapixel*float64(v.Size*v.Size)/1e6) / processors
}

// Estimate returns the approximate duration of the plan's runs that calibrate, or of the others.
func (p Plan) Estimate(calibrating bool) (sum time.Duration) {
	for _, v := range p.Variants {
		if v.Calibrates() == calibrating {
			sum += v.Estimate() * time.Duration(p.Runs(v))
		}
	}
	return sum
}

// A clock estimates the remaining time of a campaign from the durations of its runs so far. ahead is
// the estimate for the runs that are not made, estimated for those that are, and took their duration.
type clock struct{ ahead, estimated, took time.Duration }

func newClock(steps []step) (c clock) {
	for _, s := range steps {
		c.ahead += s.variant.Estimate()
	}
	return c
}

// made counts a finished or failed run.
func (c *clock) made(s step, took time.Duration) {
	c.leaveOut(s)
	c.estimated += s.variant.Estimate()
	c.took += took
}

// leaveOut counts a run that will not be made.
func (c *clock) leaveOut(s step) { c.ahead -= s.variant.Estimate() }

// left returns the remaining time, assuming the same ratio to the estimates as for the runs so far.
func (c *clock) left() time.Duration {
	if c.estimated <= 0 {
		return c.ahead
	}
	return time.Duration(float64(c.ahead) * float64(c.took) / float64(c.estimated))
}
