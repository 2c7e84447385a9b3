package plan_test

import (
	"context"
	"fmt"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/plan"
)

// 500 pictures of 512 px a day in Frankfurt, each within 10 s.
func ExampleMake() {
	frankfurt, err := prices.ForRegion("eu-central-1")
	if err != nil {
		panic(err)
	}
	times, err := plan.Published(512)
	if err != nil {
		panic(err)
	}
	p, err := plan.Make(context.Background(), plan.Request{
		Load: plan.Load{JobsPerDay: 500, Pattern: plan.Steady},
		Size: 512, P95: 10, Prices: frankfurt, Times: times,
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(p.Choice.Best)
	// Output: function of 1769 MB, ONNX Runtime in the zip
}
