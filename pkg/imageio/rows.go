package imageio

import (
	"fmt"
	"runtime"
	"sync"
)

// parallelRows divides the rows 0 to n into parts and calls f for each part, on all processors at
// the same time. It returns when all calls have returned. A panic in one of them is raised again in
// the caller's goroutine, where it can be recovered.
func parallelRows(n int, f func(from, to int)) {
	parts := min(runtime.GOMAXPROCS(0), n)
	if parts <= 1 {
		f(0, n)
		return
	}
	var (
		wg    sync.WaitGroup
		once  sync.Once
		cause any
	)
	for p := range parts {
		wg.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					once.Do(func() { cause = fmt.Sprint(r) })
				}
			}()
			f(n*p/parts, n*(p+1)/parts)
		})
	}
	wg.Wait()
	if cause != nil {
		panic(cause)
	}
}
