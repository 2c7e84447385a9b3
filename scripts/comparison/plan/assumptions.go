package plan

import "github.com/atelier-go/atelier/scripts/comparison/assumptions"

func assumed(t Times) (list []Assumption) {
	for _, v := range assumptions.Values() {
		list = append(list, Assumption(v))
	}
	if t.Source.Runs < 2 {
		list = append(list, Assumption{"spread of service times", 0, "s", "only medians are known, so intervals come from the bands only"})
	}
	return list
}
