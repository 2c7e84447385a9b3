package plan

import (
	"fmt"

	"github.com/atelier-go/atelier/scripts/comparison/assumptions"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
)

// A Kind is a kind of compute.
type Kind string

// The kinds.
const (
	Function   Kind = "function"
	FromZero   Kind = "instances-from-zero"
	AlwaysOn   Kind = "always-on"
	OneMachine Kind = "one-machine"
	Managed    Kind = "managed-instances"
)

// machines are the considered instance types with their processors. Other types of the price files
// are left out, because no measurement shows how much slower or faster they are.
var machines = []struct {
	name, other string // other is the template's second type
	processors  int
}{
	{"c7i.large", "c6i.large", 2},
	{"c7i.xlarge", "c6i.xlarge", 4},
}

// A study is a candidate with the inputs of its figures.
type study struct {
	Candidate
	environment environment
	service     service
	reads       cost.Calls
	processors  int
	other       string
	bill        cost.Bill

	outcomes map[scenario]outcome
	runs     []outcome // of the base scenario, one for each run's times
}

// candidates returns all candidates that the times allow, not yet evaluated.
func candidates(t Times) (all []*study) {
	for _, engine := range t.engines() {
		packaging := "in the zip"
		if engine == measurement.TensorFlow {
			packaging = "on EFS"
		}
		for _, memory := range t.memories(engine) {
			k := environment{engine, memory}
			s := &study{environment: k, service: t.of[k], processors: 1}
			if packaging == "on EFS" {
				s.reads = assumptions.ColdCalls(engine)
				if measured, ok := t.reads[engine]; ok {
					s.reads = measured
				}
			}
			s.Candidate = Candidate{
				Kind: Function, Engine: engine, MemoryMB: memory,
				Name: fmt.Sprintf("function of %d MB, %s %s", memory, measurement.EngineName(engine), packaging),
			}
			if memory > 3008 {
				s.Note = "new accounts allow functions of at most 3008 MB"
			}
			all = append(all, s)
		}
		k := environment{engine, 0}
		if _, ok := t.of[k]; !ok {
			continue
		}
		for _, m := range machines {
			for _, kind := range []Kind{FromZero, AlwaysOn, OneMachine, Managed} {
				s := &study{environment: k, service: t.of[k], processors: m.processors, other: m.other}
				s.Candidate = Candidate{
					Kind: kind, Engine: engine, InstanceType: m.name,
					Name: fmt.Sprintf("%s %s, %s", titles[kind], m.name, measurement.EngineName(engine)),
				}
				switch kind {
				case OneMachine:
					s.Note = "no command deploys it: run api-server and worker-daemon on one instance; no second zone, and all pictures on one disk"
				case Managed:
					s.Hypothetical, s.Note = true, "AWS supports neither Go nor EFS on Lambda Managed Instances: cannot be chosen yet"
				}
				all = append(all, s)
			}
		}
	}
	return all
}

var titles = map[Kind]string{
	FromZero: "instances from zero,", AlwaysOn: "always-on", OneMachine: "server and daemon on one", Managed: "managed instances (hypothetical),",
}

// sizes returns the tried maximum numbers of environments or instances, in order.
func (s *study) sizes() []int {
	switch s.Kind {
	case Function:
		return []int{assumptions.MaximumConcurrency, 20, 100, 1000}
	case FromZero:
		return []int{assumptions.MaximumInstances, 4, 8, 16, 32}
	case OneMachine:
		return []int{1}
	case Managed:
		return []int{simulation.ManagedInstances, 4, 6, 8, 12, 16, 24, 32}
	}
	return []int{1, 2, 3, 4, 6, 8, 12, 16, 24, 32}
}

// command returns the command that deploys a candidate; empty if there is none.
func (s *study) command(region string) string {
	up := fmt.Sprintf("scripts/deploy/up --region %s --engine %s", region, s.Engine)
	instances := fmt.Sprintf(" --mode ec2 --set InstanceType=%s --set OtherInstanceType=%s --set OnDemandPercentage=100 --set MaxInstances=%d", s.InstanceType, s.other, s.AtOnce)
	switch s.Kind {
	case Function:
		return up + fmt.Sprintf(" --mode serverless --set WorkerMemory=%d --set WorkerThreads=%d --set MaximumConcurrency=%d", s.MemoryMB, assumptions.Threads(s.MemoryMB), s.AtOnce)
	case FromZero:
		return up + instances
	case AlwaysOn:
		return up + instances + fmt.Sprintf(" --set MinInstances=%d", s.AtOnce)
	}
	return ""
}
