package report

import (
	"fmt"

	"github.com/atelier-go/atelier/scripts/comparison/assumptions"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
)

// threats says what the report's figures can't bear, and which values the model has in AWS's place.
func threats(processors int) Section {
	s := Section{ID: "threats", Title: "Threats to validity", Text: []string{
		"Construct: the systems ran on one machine and not on AWS. MiniStack stands in for its services, control groups for a function's share of the processors; neither has AWS's network, placement or neighbours.",
		"Internal: programs under load share the processors with the sender and the stand-ins. Runs in which the sender lagged, the machine was taken away or more than half of it was used are void and listed. A quota of processor time is not Lambda's scheduler.",
		fmt.Sprintf("External: processor models: %d, each in tables of its own, and bills by the one with the most runs; bills of one model network, photographs of one kind. Lambda's and EC2's processors are scenarios (0.7 to 1.5 times the time), not measurements; so is how long environments are kept.", processors),
		"Model: no failures, redeliveries, spot interruptions or throttled messages; cold shares are of Poisson arrivals where nothing else is said; two jobs on an instance slow each other only by sharing processors, but for a scenario of two threads of one core. Waits for EFS are those of its calls, one after the other, whatever else the worker does. A rival on one machine lacks a second zone, copies and a gateway, which have no price here.",
		"Prices: those of one day, on demand, without free tiers. What a picture uses of storage, gateway and logs is assumed, as is the wait for the shared file system that functions are billed for; together these can be most of the bill.",
	}}
	t := Table{Title: "Values of the model", Left: 3, Basis: cost.Assumed, Columns: []string{"Parameter", "Origin", "Source", "Value"}}
	for _, p := range simulation.Parameters() {
		t.Rows = append(t.Rows, []string{p.Name, string(p.Origin), p.Source, exact(p.Value) + unit(p.Unit)})
	}
	list := append(assumptions.Values(), assumptions.Value{Name: "95th percentile that is asked for", Value: goal, Unit: "s", Source: "this report"})
	for _, v := range list {
		t.Rows = append(t.Rows, []string{v.Name, "assumed", v.Source, exact(v.Value) + unit(v.Unit)})
	}
	s.Tables = []Table{t}
	return s
}

// unit is a unit as it follows a figure.
func unit(u string) string {
	if u == "" {
		return ""
	}
	return "\u00a0" + u // no line ends before it
}
