package deploy_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The dashboard is JSON under all conditions, and uses existing metrics.
func TestDashboard(t *testing.T) {
	t.Parallel()
	tmpl := readTemplate(t)
	body := tmpl.resources["Dashboard"].at("DashboardBody", "Fn::Sub").([]any)
	workers := body[1].(map[string]any)["WorkerMetrics"].(map[string]any)["Fn::If"].([]any)
	var names []string
	for _, w := range workers[1:] {
		text := strings.ReplaceAll(body[0].(string), "${WorkerMetrics}", text(w))
		var parsed struct {
			Widgets []struct {
				Properties struct{ Metrics [][]any }
			}
		}
		if err := json.Unmarshal([]byte(text), &parsed); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		for _, w := range parsed.Widgets {
			for _, m := range w.Properties.Metrics {
				if m[0] == "Atelier" {
					names = append(names, m[1].(string))
				}
			}
		}
	}
	if len(names) == 0 {
		t.Error("the dashboard has no metric of our own")
	}
	var sources strings.Builder
	files, err := filepath.Glob("../../*/cmd/*/metrics.go")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("no program writes metrics")
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		sources.Write(b)
	}
	for _, name := range names {
		if !regexp.MustCompile(`"` + name + `"`).MatchString(sources.String()) {
			t.Errorf("no program writes %s", name)
		}
	}
}
