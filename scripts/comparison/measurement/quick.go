package measurement

// Quick returns the plan that tries everything, each pattern once. Its figures are meaningless.
func Quick() Plan {
	p := Plan{Quick: true, Repetitions: 1}
	for _, engine := range []string{TensorFlow, ONNX} {
		v := Variant{System: Service, Engine: engine, Size: 256, Jobs: 3, Threads: 1}
		p.Variants = append(p.Variants, v, asFunction(v, 1769, 1))
	}
	p.Variants = append(p.Variants, Variant{System: Service, Engine: ONNX, Size: 256, Jobs: 1, Threads: 1, Evicted: true})
	for _, v := range []Variant{
		{System: Daemon, Engine: ONNX, Pattern: Poisson},
		{System: MiniStack, Engine: ONNX, Pattern: Synthetic},
		{System: Synchronous, Engine: ONNX, Pattern: Bursts},
		{System: Concurrent, Engine: ONNX, Pattern: Steady},
		{System: Flask, Engine: TensorFlow, Pattern: Poisson},
		{System: Synchronous, Engine: TensorFlow, Network: Magenta, Pattern: Steady},
	} {
		v.Size, v.Jobs, v.Rate = 256, 6, 2
		if v.Pattern == Bursts {
			v.Jobs = Burst + 2 // two bursts
		}
		p.Variants = append(p.Variants, ofSystem(v))
	}
	return p
}
