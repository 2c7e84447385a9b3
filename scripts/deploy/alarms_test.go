package deploy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Alarms on our own metrics read metrics that the service in their dimension writes, under this
// deployment's name.
func TestAlarmsOnOurMetrics(t *testing.T) {
	t.Parallel()
	read := map[string]bool{}
	for name, r := range readTemplate(t).of("AWS::CloudWatch::Alarm") {
		for _, m := range metricsOf(r) {
			if m.namespace != "Atelier" {
				continue
			}
			service := regexp.MustCompile(`Name:Service Value:(\w+)`).FindStringSubmatch(m.dimensions)
			if service == nil || !strings.Contains(m.dimensions, "Name:Deployment Value:map[Ref:AWS::StackName]") {
				t.Errorf("%s has the dimensions %s", name, m.dimensions)
				continue
			}
			read[m.name] = true
			source, err := os.ReadFile(filepath.Join("../../worker/cmd", service[1]+"-lambda", "metrics.go"))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(source), `"`+m.name+`"`) {
				t.Errorf("%s reads %s, which %s does not write", name, m.name, service[1])
			}
		}
	}
	for _, name := range []string{"CopiesFailed", "CopyDelay"} {
		if !read[name] {
			t.Errorf("there is no alarm on %s", name)
		}
	}
}

// The guide states the number of metrics that alarms read, because each has a price. A target
// tracking policy has two alarms.
func TestAlarmsInTheGuide(t *testing.T) {
	t.Parallel()
	counts := map[string]int{}
	for _, r := range readTemplate(t).resources {
		switch n := len(metricsOf(r)); r.kind {
		case "AWS::CloudWatch::Alarm":
			counts[r.condition] += n
		case "AWS::AutoScaling::ScalingPolicy":
			counts[r.condition] += 2 * n
		}
	}
	serverless, instances := counts[""], counts[""]+counts["Instances"]
	guide, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("that they evaluate: %d, or %d with instances |", serverless, instances); !strings.Contains(string(guide), want) {
		t.Errorf("the guide's table of costs lacks %q", want)
	}
	commands, err := os.ReadFile("common.sh")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf(`at most %.2f \$`, float64(instances)/10); !strings.Contains(string(commands), "alarms     0.10 \\$ for each metric beyond the account's first ten: "+want) {
		t.Errorf("common.sh does not state %s as the cost of alarms", want)
	}
}
