package cost_test

import (
	"fmt"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
)

// A million pictures, each taking 0.25 s in a function of 3007 MB, one in a thousand of them with a
// cold start of half a second.
func ExampleDeployment_Bill() {
	frankfurt, err := prices.ForRegion("eu-central-1")
	if err != nil {
		panic(err)
	}
	d := cost.ServerlessMode(cost.Function{
		Architecture: "x86_64", Memory: 3007, Warm: 0.25, ColdShare: 0.001, Init: 0.5, IdlePolls: cost.IdlePolls(5),
	}, cost.Sweeps{Memory: 512, Billed: 0.2})
	bill, err := d.Bill(frankfurt, cost.Month{Pictures: 1e6, Active: 200})
	if err != nil {
		panic(err)
	}
	for _, r := range bill.Rows {
		if r.Scope == cost.Compute {
			fmt.Printf("%-30s %9.0f %-22s %6.2f $\n", r.Part, r.Quantity, r.Unit, r.USD)
		}
	}
	fmt.Printf("%.2f $ paint, %.2f $ are fixed\n", bill.USD(cost.Compute), bill.Fixed(cost.Whole))
	// Output:
	// painting function: requests      1000000 request                  0.20 $
	// painting function: warm           734131 GB-second               12.24 $
	// painting function: cold starts      1468 GB-second                0.02 $
	// mapping: empty receives           657000 request of up to 64 KiB   0.26 $
	// 12.72 $ paint, 6.09 $ are fixed
}

// The duty at which functions with few cold starts under load stop being 70% cheaper than always-on
// instances, which are as many as three times the mean load needs.
func ExampleOver() {
	virginia, err := prices.ForRegion("us-east-1")
	if err != nil {
		panic(err)
	}
	const capacity = 8 // pictures a second, of one instance
	c := cost.Comparison{
		Functions: cost.Over(virginia, func(pictures float64) (cost.Deployment, cost.Month) {
			cold := min(1, 5000/pictures) // in place of a simulation's result
			return cost.ServerlessMode(cost.Function{
				Architecture: "x86_64", Memory: 3007, Warm: 0.25, ColdShare: cold, Init: 0.5, IdlePolls: cost.IdlePolls(5),
			}, cost.Sweeps{}), cost.Month{Pictures: pictures}
		}),
		Instances: cost.Over(virginia, func(pictures float64) (cost.Deployment, cost.Month) {
			n := cost.Needed(3*pictures/cost.Seconds, capacity)
			return cost.EC2Mode(cost.Instances{Type: "c7i.large", Hours: n * cost.Hours, Always: true, Disk: 12}, cost.Sweeps{}),
				cost.Month{Pictures: pictures}
		}),
		Capacity: capacity,
	}
	found, err := c.Crossings(0.7, cost.Compute, 1e-5, 1)
	if err != nil {
		panic(err)
	}
	for _, x := range found {
		fmt.Printf("70%% at a duty of %.1f%%, rising: %v\n", x.Duty*100, x.Rising)
	}
	// Output:
	// 70% at a duty of 7.4%, rising: false
}
