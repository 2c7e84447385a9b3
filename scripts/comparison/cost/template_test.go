package cost_test

import (
	"maps"
	"os"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/atelier-go/atelier/scripts/comparison/cost"
)

// Each type of resource in the template is a part of the model or listed as free, and there are no
// others.
func TestTemplate(t *testing.T) {
	b, err := os.ReadFile("../../deploy/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct {
			Type string `yaml:"Type"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(b, &template); err != nil {
		t.Fatal(err)
	}
	types := map[string]bool{}
	for _, r := range template.Resources {
		types[r.Type] = true
	}
	if len(types) < 40 {
		t.Fatalf("the template has only %d types of resources", len(types))
	}
	got, want := slices.Sorted(maps.Keys(cost.Template)), slices.Sorted(maps.Keys(types))
	for _, name := range want {
		if !slices.Contains(got, name) {
			t.Errorf("the template has a %s, the model has not: add its rows or the reason why it is free", name)
		}
	}
	for _, name := range got {
		if !types[name] {
			t.Errorf("the model has a %s, the template has none", name)
		}
	}
}

// Every row of each part is in a bill of the template, and every row of such a bill belongs to a
// part.
func TestRowsOfTemplate(t *testing.T) {
	named := map[string]bool{}
	for name, p := range cost.Template {
		if (len(p.Rows) == 0) == (p.Free == "") {
			t.Errorf("%s has either rows or a reason to be free: %+v", name, p)
		}
		for _, row := range p.Rows {
			named[row] = true
		}
	}
	billed := map[string]bool{}
	sweeps := sweepsByHand
	sweeps.Calls.Writes = 1
	for _, d := range []cost.Deployment{
		cost.ServerlessMode(cost.Function{
			Architecture: "x86_64", Memory: 3007, Warm: 1, ColdShare: 0.5, Init: 1, ColdCalls: cost.Calls{Reads: 1}, IdlePolls: cost.IdlePolls(5),
		}, sweeps),
		cost.EC2Mode(cost.Instances{Type: "c7i.large", Hours: 1, Disk: 12, PollsPerHour: 180}, sweeps),
	} {
		bill, err := d.Bill(table(t), cost.Month{Pictures: 1, Picture: byHand, Kept: 1, Infrequent: 0.5, Active: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range bill.Rows {
			billed[r.Part] = true
			if !named[r.Part] {
				t.Errorf("row %q belongs to no type of resource", r.Part)
			}
		}
	}
	for row := range named {
		if !billed[row] {
			t.Errorf("row %q is in no bill", row)
		}
	}
}
