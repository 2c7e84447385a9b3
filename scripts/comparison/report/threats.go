package report

import (
	"cmp"
	"fmt"

	"github.com/atelier-go/atelier/scripts/comparison/assumptions"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
)

// threats returns the section on the limits of the report's figures, with the values that the model
// assumes about AWS.
func threats(processors int) Section {
	s := Section{ID: "threats", Title: "Threats to validity", Text: []string{
		"Construct: the systems ran on one machine and not on AWS. MiniStack emulates its services, and control groups emulate a function's share of the processors; neither reproduces AWS's network, placement of programs, or load by other customers.",
		"Internal: programs under load share the processors with the load generator and the emulators. Runs are void, and listed, if the load generator was late, if other virtual machines took processor time, or if more than half of the machine was used. A quota of processor time is not the same as Lambda's scheduler. Runs made within hours do not show how the machine changes over days. Where there are fewer than ten runs, their range says less about further runs than an interval.",
		fmt.Sprintf("External: the number of processor models is %d; each has its own tables, and bills are computed from the one with the most runs. Bills are for one neural network and one kind of photograph. Lambda's and EC2's processors are scenarios (0.7 to 1.5 times the measured time), not measurements; so is the time for which idle environments are kept.", processors),
		"Model: there are no failures, redeliveries, spot interruptions or throttled messages. Shares of cold starts are those of Poisson arrivals unless stated otherwise. Two jobs on an instance slow each other down only by sharing processors, except in a scenario of two threads of one core. Waits for EFS are the sum of its calls, one after the other, with no overlap with computation. One machine lacks a second zone, copies and a gateway, and this disadvantage is not priced.",
		"Prices: on-demand prices of one day, without free tiers. The use of storage, gateway and logs per picture is assumed, and so is the billed wait for the shared file system; together these can be most of the bill.",
	}}
	t := Table{Title: "Values of the model", Left: 3, Basis: cost.Assumed, Columns: []string{"Parameter", "Origin", "Source", "Value"}}
	const dimension = "(count or ratio)"
	for _, p := range simulation.Parameters() {
		t.Rows = append(t.Rows, []string{p.Name, string(p.Origin), p.Source, exact(p.Value) + unit(cmp.Or(p.Unit, dimension))})
	}
	list := append(assumptions.Values(), assumptions.Value{Name: "required 95th percentile of latency", Value: goal, Unit: "s", Source: "this report"})
	for _, v := range list {
		t.Rows = append(t.Rows, []string{v.Name, "assumed", v.Source, exact(v.Value) + unit(cmp.Or(v.Unit, dimension))})
	}
	s.Tables = []Table{t}
	return s
}

// unit formats a unit so that it can follow a figure.
func unit(u string) string {
	if u == "" {
		return ""
	}
	return "\u00a0" + u // no line break before the unit
}
