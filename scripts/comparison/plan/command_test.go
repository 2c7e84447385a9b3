package plan_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/plan"
)

// The commands in plans use existing options of scripts/deploy/up and parameters of the template.
func TestCommandsDeploy(t *testing.T) {
	text, err := os.ReadFile("../../deploy/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Parameters map[string]struct {
			Type string `yaml:"Type"`
		} `yaml:"Parameters"`
	}
	if err := yaml.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	help, err := exec.Command("../../deploy/up", "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	option, set := regexp.MustCompile(`--[a-z]+`), regexp.MustCompile(`--set (\w+)=(\S+)`)
	commands := 0
	for _, c := range planned(t, 500, plan.Steady, 10, nil).Candidates {
		if deploys := c.Kind != plan.OneMachine && c.Kind != plan.Managed; deploys != (c.Command != "") {
			t.Errorf("%s has the command %q", c.Name, c.Command)
		}
		if c.Command == "" {
			continue
		}
		commands++
		for _, o := range option.FindAllString(c.Command, -1) {
			if !strings.Contains(string(help), o+" ") {
				t.Errorf("scripts/deploy/up has no option %s: %s", o, c.Command)
			}
		}
		for _, s := range set.FindAllStringSubmatch(c.Command, -1) {
			if p, ok := template.Parameters[s[1]]; !ok || p.Type == "" {
				t.Errorf("the template has no parameter %s: %s", s[1], c.Command)
			}
		}
	}
	if commands < 8 {
		t.Errorf("only %d candidates have a command", commands)
	}
}

func TestMissingPrice(t *testing.T) {
	text, err := os.ReadFile("../../../pkg/prices/regions/us-east-1.json")
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]json.RawMessage
	var list, kept []map[string]any
	if err := errors.Join(json.Unmarshal(text, &file), json.Unmarshal(file["prices"], &list)); err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		if p["name"] != "http-api.requests" {
			kept = append(kept, p)
		}
	}
	file["prices"], _ = json.Marshal(kept)
	text, _ = json.Marshal(file)
	table, err := prices.Read(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	_, err = plan.Make(context.Background(), plan.Request{
		Load: plan.Load{JobsPerDay: 500, Pattern: plan.Steady}, Size: 512, P95: 10, Prices: table, Times: published(t),
	})
	var bad *plan.InputError
	if !errors.As(err, &bad) || !strings.Contains(err.Error(), "http-api.requests") {
		t.Errorf("got %v", err)
	}
}
