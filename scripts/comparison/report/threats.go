package report

import (
	"fmt"

	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
)

// threats says what the report's figures can't bear, and which values the model has in AWS's place.
func threats() Section {
	s := Section{ID: "threats", Title: "Threats to validity", Text: []string{
		"Construct: the systems ran on one machine and not on AWS. MiniStack stands in for its services, control groups for a function's share of the processors; neither has AWS's network, placement or neighbours.",
		"Internal: programs under load share the processors with the sender and the stand-ins. Runs in which the sender lagged, the machine was taken away or more than half of it was used are void and listed. A quota of processor time is not Lambda's scheduler.",
		"External: one processor model, one model network, photographs of one kind. Lambda's and EC2's processors are scenarios (0.7 to 1.5 times as slow), not measurements; so is how long environments are kept.",
		"Model: no failures, redeliveries, spot interruptions or throttled messages; cold shares are of Poisson arrivals where nothing else is said; two jobs on an instance slow each other only by sharing processors. A rival on one machine lacks a second zone, copies and a gateway, which have no price here.",
		"Prices: those of one day, on demand, without free tiers. What a picture uses of storage, gateway and logs is assumed, and is a large part of the whole bill.",
	}}
	t := Table{Title: "Values of the model", Left: 3, Basis: cost.Assumed, Columns: []string{"Parameter", "Origin", "Source", "Value"}}
	for _, p := range simulation.Parameters() {
		t.Rows = append(t.Rows, []string{p.Name, string(p.Origin), p.Source, exact(p.Value) + unit(p.Unit)})
	}
	for _, p := range []struct {
		name  string
		value float64
		unit  string
	}{
		{"time until an environment is there", placing, "s"}, {"time through the queue", transit, "s"}, {"boot of an instance", booting, "s"},
		{"keep-alive where no scenario is named", keepAlive, "s"}, {"95th percentile that is asked for", goal, "s"},
		{"jobs at once of a daemon on " + instanceType, slots, ""}, {"disk of an instance", disk, "GB"},
	} {
		t.Rows = append(t.Rows, []string{p.name, "assumed", "this report", exact(p.value) + unit(p.unit)})
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

// principles answers those for reproducible performance evaluation in the cloud.
func principles(f *folder) Section {
	repeated, coverage := "Unmet", "Partly"
	least := f.plan.Repetitions
	if least >= 10 && !f.plan.Quick {
		repeated = "Met"
	}
	statistics := "Met"
	if f.plan.Quick {
		statistics = "Unmet: a quick measurement has no intervals"
	}
	predicted := "Unmet"
	if f.predictedInTime() {
		predicted = "Met"
	}
	machines := map[string]bool{}
	for _, r := range f.runs {
		machines[r.Header.Machine.Processor] = true
	}
	return Section{ID: "principles", Title: "Eight principles", Text: []string{
		"Papadopoulos et al., Methodological Principles for Reproducible Performance Evaluation in Cloud Computing, IEEE Transactions on Software Engineering, 2019.",
	}, Tables: []Table{{
		Title: "Answers", Left: 4, Basis: cost.Measured, Columns: []string{"Principle", "Answer", "How", "Where"},
		Rows: [][]string{
			{"P1 Repeated experiments", repeated, fmt.Sprintf("%d repetitions planned, each restarts its programs; order drawn anew in each. All in one stretch of time: drifts over months are not covered.", least), "plan.json, repetitions; Raw data"},
			{"P2 Workload and configuration coverage", coverage, fmt.Sprintf("%d variants: engines, sizes, memory, threads, patterns of arrivals; %d processor model(s), no AWS.", len(f.plan.Variants), len(machines)), "plan.json, variants"},
			{"P3 Description of the setup", "Met", "Machine, kernel, file system, commit and command are in the first line of each run.", "runs/*.jsonl, line 1; Raw data, Machines"},
			{"P4 Open access artifact", "Met", "Programs, raw runs and prices are in the repository; the recorded trace has no licence, and a synthetic pattern stands in.", "scripts/compare report DIR"},
			{"P5 Probabilistic description", statistics, "Percentiles of runs with intervals; nothing trimmed.", "Latency under load"},
			{"P6 Statistical evaluation", statistics, "Intervals by t on logarithms of each run's figure, resampled runs for crossings. Predictions made before runs: " + predicted + ".", "Saving against duty, Crossings; Validation"},
			{"P7 Units", "Met", "Each column names its unit.", "all tables"},
			{"P8 Cost model", "Met", "Bills by dated, sourced prices, held to bills written out by hand; sensitivities to each price.", "pkg/prices/regions; Sensitivity"},
		},
	}}}
}
