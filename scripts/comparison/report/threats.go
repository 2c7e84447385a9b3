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
		"Reasons for which the figures could be wrong, or not apply elsewhere:",
		"What was measured (construct validity). The systems ran on one machine, not on AWS. MiniStack emulates AWS's services, and Linux limits a worker's processor time as Lambda would. Neither reproduces AWS's network, its placement of programs, or the load by its other customers.",
		"Disturbances (internal validity). Under load, the measured programs share the processors with the load generator and the emulators. A run is void, and listed under Raw data, if the load generator was late, if other virtual machines took processor time, or if more than half of the machine's processor time was used. A quota of processor time is not the same as Lambda's scheduler. Runs made within hours do not show how the machine changes over days. The range of fewer than ten runs says less about further runs than an interval.",
		fmt.Sprintf("Other circumstances (external validity). The runs were made on %d processor model(s). Each has its own tables, and bills are computed from the one with the most runs. Bills are for one neural network and one kind of photograph. The speed of Lambda's processors and the time for which idle environments are kept are scenarios, not measurements.", processors),
		"The simulation. It has no failures, no repeated deliveries of a job, no interruptions of instances and no throttling. Jobs arrive at random unless stated otherwise. Two jobs on an instance slow each other down only by sharing its processors, except in the scenario of two threads of one core. Waits for EFS are the sum of its calls, one after the other, without computing at the same time. That one machine lacks a second zone, copies and a gateway is not priced.",
		"Prices. They are on-demand prices of one day, without free tiers. The use of storage, gateway and logs per picture is assumed, and so is the billed wait for the shared file system; together these can be most of the bill.",
	}}
	t := Table{
		Title: "Values that are not measured", Left: 3, Basis: cost.Assumed, Columns: []string{"Parameter", "Origin", "Source", "Value"},
		Notes: []string{
			"documented: by AWS, or set by this project's deployment. extrapolation: how AWS is assumed to behave where its documents leave it open. assumed: everything else.",
			"Calls to EFS are requests of the NFS protocol. A name that begins with band is a scenario of the bands in the charts.",
		},
	}
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
