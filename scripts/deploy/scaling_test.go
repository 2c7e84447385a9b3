package deploy_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/simulation"
)

// The group of instances changes by the template's alarms and policies, in steps of a minute. The
// simulation's policy must decide the same in each step.
func TestScaling(t *testing.T) {
	t.Parallel()
	const hour = 60
	for name, c := range map[string]struct {
		desired, inService int // at the beginning
		load               func(minute int) load
		want               func(desired []int) bool // after each minute
	}{
		"one short job a minute keeps an instance": {1, 1, func(int) load { return load{sent: 1} },
			func(d []int) bool { return slices.Max(d) == 1 && slices.Min(d) == 1 }},
		"a long running job keeps its instance": {1, 1, func(int) load { return load{inWork: 1} },
			func(d []int) bool { return slices.Max(d) == 1 && slices.Min(d) == 1 }},
		"after the last job there is none": {2, 2, func(int) load { return load{} },
			func(d []int) bool { return slices.Min(d[:14]) > 0 && slices.Max(d[20:]) == 0 }},
		"after a quarter of an hour without jobs there is none": {1, 1, func(m int) load { return load{inWork: bit(m < 20)} },
			func(d []int) bool { return slices.Min(d[:33]) == 1 && slices.Max(d[36:]) == 0 }},
		"without metrics nothing changes": {2, 2, func(int) load { return load{missing: true} },
			func(d []int) bool { return slices.Min(d) == 2 && slices.Max(d) == 2 }},
		"instances that are starting are not terminated": {3, 0, func(m int) load { return load{visible: 50 * bit(m < 5), sent: 60} },
			func(d []int) bool { return slices.Min(d[:10]) == 3 }},
		"the first job starts one instance": {0, 0, func(m int) load { return load{visible: bit(m < 4), sent: bit(m == 0)} },
			func(d []int) bool { return d[0] == 1 && slices.Max(d) == 1 }},
		"running jobs count as backlog": {1, 1, func(m int) load { return load{visible: 10, inWork: 60, sent: 5} },
			func(d []int) bool { return slices.Max(d) == 3 && slices.Min(d[10:]) == 3 }},
		"with less work there are fewer": {3, 3, func(int) load { return load{inWork: 4, sent: 5} },
			func(d []int) bool { return slices.Max(d[25:]) == 1 && slices.Min(d) == 1 }},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGroup(t, c.desired, c.inService)
			var desired, simulated []int
			for m := range hour {
				simulated = append(simulated, g.minute(m, c.load(m)))
				desired = append(desired, g.desired)
			}
			if !c.want(desired) {
				t.Errorf("instances, minute by minute: %v", desired)
			}
			if !slices.Equal(simulated, desired) {
				t.Errorf("instances, minute by minute: %v; the simulation decides on %v", desired, simulated)
			}
		})
	}
}

// The group collects the metrics that policies and alarms read; otherwise these metrics do not
// exist.
func TestGroupMetrics(t *testing.T) {
	t.Parallel()
	tmpl := readTemplate(t)
	collected := fmt.Sprint(tmpl.resources["Group"].at("MetricsCollection"))
	found := 0
	for name, r := range tmpl.resources {
		for _, m := range metricsOf(r) {
			if m.namespace != "AWS/AutoScaling" {
				continue
			}
			found++
			if !strings.Contains(collected, m.name) {
				t.Errorf("%s reads %s, which the group does not collect: %s", name, m.name, collected)
			}
		}
	}
	if found == 0 {
		t.Error("nothing reads metrics of the group")
	}
}

// A load has the values of SQS's metrics in a minute.
type load struct {
	visible, inWork, sent int
	missing               bool
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// A group is an Auto Scaling group with its policies, and the values of each expression so far.
type group struct {
	*testing.T
	tmpl               template
	target             float64 // backlog per instance
	desired, inService int
	pending            []int // for each starting instance the minutes until it is in service
	warm               map[string]int
	values             map[string][]float64
	simulated          simulation.Scaler // decides by the same metrics as the alarms
}

// most is the maximum number of instances.
const most = 3

// start is the number of minutes until an instance is in service.
const start = 2

func newGroup(t *testing.T, desired, inService int) *group {
	t.Helper()
	g := &group{T: t, tmpl: readTemplate(t), desired: desired, inService: inService, warm: map[string]int{}, values: map[string][]float64{}}
	target := g.tmpl.parameters["BacklogPerInstance"].(map[string]any)["Default"]
	g.target = float64(number(t, target))
	if g.target != simulation.BacklogPerInstance {
		t.Errorf("the target is %v jobs for an instance, and %g in the simulation", target, simulation.BacklogPerInstance)
	}
	g.simulated = simulation.Scaler{Policy: simulation.BacklogPolicy(simulation.BacklogPerInstance), Maximum: most}
	for range desired - inService {
		g.pending = append(g.pending, 3*start)
	}
	return g
}

// minute changes the group by the metrics of a minute, and returns the number of instances that the
// simulation decides on.
func (g *group) minute(m int, l load) (simulated int) {
	g.Helper()
	for i := range g.pending {
		g.pending[i]--
	}
	g.inService += len(g.pending)
	g.pending = slices.DeleteFunc(g.pending, func(left int) bool { return left <= 0 })
	g.inService -= len(g.pending)
	simulated = g.simulated.Decide(60*float64(m), g.datapoint(l), g.desired, g.desired-g.inService)
	known := map[string]float64{"GroupDesiredCapacity": float64(g.desired), "GroupInServiceInstances": float64(g.inService)}
	if !l.missing {
		maps.Copy(known, map[string]float64{
			"ApproximateNumberOfMessagesVisible": float64(l.visible), "ApproximateNumberOfMessagesNotVisible": float64(l.inWork), "NumberOfMessagesSent": float64(l.sent),
		})
	}
	for name, r := range g.tmpl.resources {
		if r.kind == "AWS::AutoScaling::ScalingPolicy" && r.at("PolicyType") == "TargetTrackingScaling" {
			g.track(name, r, known)
		}
	}
	for name, r := range g.tmpl.of("AWS::CloudWatch::Alarm") {
		if !g.alarm(name, r, known) {
			continue
		}
		for _, action := range list(r.at("AlarmActions")) {
			ref, _ := action.(map[string]any)["Ref"].(string)
			if policy := g.tmpl.resources[ref]; policy.kind == "AWS::AutoScaling::ScalingPolicy" {
				g.act(ref, policy)
			}
		}
	}
	return simulated
}

// datapoint converts a minute's metrics to a datapoint of the simulation.
func (g *group) datapoint(l load) simulation.Datapoint {
	d := simulation.Datapoint{
		Backlog: float64(l.visible + l.inWork), Waiting: float64(l.visible), Work: float64(l.visible + l.inWork + l.sent),
		InService: float64(g.inService), LeastDesired: g.desired, MostDesired: g.desired,
	}
	if l.missing {
		d.Backlog, d.Waiting, d.Work = math.NaN(), math.NaN(), math.NaN()
	}
	return d
}

// track scales out after three minutes above the target, and in after 15 minutes well below it, by
// one instance a minute. Fractions of an instance are rounded up: more are added and fewer are
// removed.
func (g *group) track(name string, policy resource, known map[string]float64) {
	g.Helper()
	value := evaluateMetrics(g.T, list(policy.at("TargetTrackingConfiguration", "CustomizedMetricSpecification", "Metrics")), known)
	g.values[name] = append(g.values[name], value)
	wanted := int(math.Ceil(float64(g.inService) * value / g.target))
	switch {
	case g.lately(name, 3, func(v float64) bool { return v > g.target }):
		g.set(max(g.desired, wanted))
	case g.lately(name, 15, func(v float64) bool { return v < 0.9*g.target }):
		g.set(min(g.desired, max(wanted, g.desired-1)))
	}
}

// alarm returns whether an alarm is active, if an action of the group follows it.
func (g *group) alarm(name string, alarm resource, known map[string]float64) bool {
	g.Helper()
	if metrics := metricsOf(alarm); len(metrics) == 0 || slices.ContainsFunc(metrics, func(m metric) bool {
		return m.namespace != "AWS/SQS" && m.namespace != "AWS/AutoScaling"
	}) || alarm.at("Metrics") == nil {
		return false
	}
	g.values[name] = append(g.values[name], evaluateMetrics(g.T, list(alarm.at("Metrics")), known))
	if alarm.at("TreatMissingData") != "notBreaching" {
		g.Errorf("%s: missing data must neither count as work nor as no work", name)
	}
	threshold := float64(number(g.T, alarm.at("Threshold")))
	return g.lately(name, number(g.T, alarm.at("EvaluationPeriods")), func(v float64) bool {
		switch alarm.at("ComparisonOperator") {
		case "GreaterThanOrEqualToThreshold":
			return v >= threshold
		case "LessThanThreshold":
			return v < threshold
		}
		g.Errorf("%s compares by %v", name, alarm.at("ComparisonOperator"))
		return false
	})
}

// act applies a step policy. A policy that adds instances adds none while instances are starting.
func (g *group) act(name string, policy resource) {
	g.Helper()
	step := list(policy.at("StepAdjustments"))[0].(map[string]any)
	by := number(g.T, step["ScalingAdjustment"])
	switch policy.at("AdjustmentType") {
	case "ExactCapacity":
		g.set(by)
	case "ChangeInCapacity":
		g.warm[name]--
		if g.warm[name] <= 0 {
			g.warm[name] = number(g.T, policy.at("EstimatedInstanceWarmup")) / 60
			g.set(g.desired + by)
		}
	default:
		g.Errorf("%s changes by %v", name, policy.at("AdjustmentType"))
	}
}

func (g *group) set(desired int) {
	desired = min(max(desired, 0), most)
	for range desired - g.desired {
		g.pending = append(g.pending, start)
	}
	g.desired = desired
	g.pending = g.pending[:min(len(g.pending), desired)]
	g.inService = min(g.inService, desired-len(g.pending))
}

// lately returns whether the last n values are all present and meet the condition.
func (g *group) lately(name string, n int, as func(float64) bool) bool {
	values := g.values[name]
	return len(values) >= n && !slices.ContainsFunc(values[len(values)-n:], func(v float64) bool { return math.IsNaN(v) || !as(v) })
}
