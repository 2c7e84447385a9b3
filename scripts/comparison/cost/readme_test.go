package cost_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/cost"
)

// The costs at rest in the documentation and messages of scripts/deploy are those of the model.
func TestCostsInDeployReadme(t *testing.T) {
	readme, up := read(t, "../../deploy/README.md"), strings.ReplaceAll(read(t, "../../deploy/common.sh"), `\$`, "$")
	serverless := cost.ServerlessMode(cost.Function{Architecture: "x86_64", Memory: 3007, IdlePolls: cost.IdlePolls(5)}, sweepsByHand)
	ec2 := cost.EC2Mode(cost.Instances{Type: "c7i.large"}, sweepsByHand)
	rest := func(d cost.Deployment, free bool, parts ...string) string {
		bill, err := d.Bill(table(t), cost.Month{FreeTier: free})
		if err != nil {
			t.Fatal(err)
		}
		var usd float64
		for _, r := range bill.Rows {
			for _, p := range parts {
				if strings.HasPrefix(r.Part, p) || strings.HasPrefix(r.Part, "file system: reads of "+p) {
					usd += r.USD
				}
			}
		}
		return fmt.Sprintf("%.2f $", usd)
	}
	price := func(name, format string) string {
		p, err := table(t).Price(name)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf(format+" $", p.USD(1))
	}
	for _, row := range []string{
		"| data on EFS, a GB (Standard) | " + price("efs.standard", "%.2f"),
		"| data on S3, a GB | " + price("s3.standard", "%.3f"),
		"(assumed) | " + rest(serverless, false, "sweeps"),
		"15 a minute | " + rest(serverless, false, "mapping") + " | none",
		"or 18 with instances | " + rest(serverless, false, "alarms") + " | " + rest(ec2, false, "alarms"),
		"7 by sweeps | " + rest(serverless, false, "metrics"),
		"| dashboard | " + rest(serverless, false, "dashboard"),
		"That is " + rest(serverless, false, "") + " for serverless",
		"pays " + rest(serverless, true, "") + " of it",
		"elastic throughput " + price("efs.elastic.reads", "%.2f") + " for each GB read and " + price("efs.elastic.writes", "%.2f") + " written",
		"logs " + price("logs.ingestion", "%.2f") + " a GB",
		"copies " + price("datasync.basic", "%.4f") + " a GB",
	} {
		if !strings.Contains(strings.Join(strings.Fields(readme), " "), row) {
			t.Errorf("scripts/deploy/README.md lacks %q", row)
		}
	}
	for _, line := range []string{
		"data       " + price("efs.standard", "%.2f") + " for each GB on EFS, " + price("s3.standard", "%.3f") + " on S3",
		"alarms     " + price("alarms", "%.2f"), "metrics    " + price("metrics", "%.2f"), "dashboard  " + price("dashboards", "%.2f"),
	} {
		if !strings.Contains(up, line) {
			t.Errorf("scripts/deploy/common.sh lacks %q", line)
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
