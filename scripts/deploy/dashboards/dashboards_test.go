// Package dashboards has dashboards to import into Grafana and Datadog, and their tests.
package dashboards

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// served returns the names of the metrics in /metrics of the programs, from their source.
func served(t *testing.T) (names []string) {
	t.Helper()
	for _, file := range []string{"../../../api/metrics.go", "../../../worker/cmd/worker-daemon/metrics.go", "../../../pkg/sweeper/sweepermetrics/sweepermetrics.go"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`"(atelier_[a-z_]+)"`).FindAllSubmatch(source, -1) {
			names = append(names, string(m[1]))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func read(t *testing.T, file string, into any) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if into != nil {
		if err := json.Unmarshal(b, into); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	return string(b)
}

func TestGrafana(t *testing.T) {
	var d struct {
		Inputs []struct{ Name, Type string } `json:"__inputs"`
		Title  string
		Panels []struct {
			ID      int
			Title   string
			GridPos struct{ H, W, X, Y int }
			Targets []struct{ Expr, RefID string }
		}
	}
	read(t, "grafana.json", &d)
	if d.Title == "" || len(d.Inputs) != 1 || d.Inputs[0].Name != "DS_PROMETHEUS" || d.Inputs[0].Type != "datasource" {
		t.Errorf("it can't be imported: %q, %v", d.Title, d.Inputs)
	}
	names := served(t)
	ids, used := map[int]bool{}, map[string]bool{}
	for _, p := range d.Panels {
		if p.ID == 0 || ids[p.ID] || p.GridPos.W == 0 || p.GridPos.H == 0 || p.GridPos.X+p.GridPos.W > 24 || len(p.Targets) == 0 {
			t.Errorf("panel %q: %+v", p.Title, p)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			if strings.Count(target.Expr, "(") != strings.Count(target.Expr, ")") {
				t.Errorf("panel %q: %s", p.Title, target.Expr)
			}
			for _, name := range regexp.MustCompile(`atelier_[a-z_]+`).FindAllString(target.Expr, -1) {
				base := name
				for _, suffix := range []string{"_bucket", "_sum", "_count"} {
					if cut := strings.TrimSuffix(name, suffix); slices.Contains(names, cut) {
						base = cut
					}
				}
				if !slices.Contains(names, base) {
					t.Errorf("panel %q: there is no metric %s", p.Title, name)
				}
				used[base] = true
			}
		}
	}
	for _, name := range names {
		if !used[name] {
			t.Errorf("no panel shows %s", name)
		}
	}
}

func TestDatadog(t *testing.T) {
	var d struct {
		Title      string
		LayoutType string `json:"layout_type"`
		Widgets    []struct {
			Definition struct {
				Title, Type string
				Requests    []struct {
					Queries  []struct{ Name, Query string }
					Formulas []struct{ Formula string }
				}
			}
		}
	}
	read(t, "datadog.json", &d)
	if d.Title == "" || d.LayoutType != "ordered" || len(d.Widgets) == 0 {
		t.Errorf("it can't be imported: %q, %q", d.Title, d.LayoutType)
	}
	// The metrics that the agent is configured to send, with their names in Datadog.
	sent := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^ +- (atelier_[a-z_]+): ([a-z_]+)$`).FindAllStringSubmatch(read(t, "datadog-openmetrics.yaml", nil), -1) {
		sent[m[2]] = m[1]
	}
	names := served(t)
	for _, name := range names {
		if to := strings.TrimSuffix(strings.TrimPrefix(name, "atelier_"), "_total"); sent[to] != strings.TrimSuffix(name, "_total") {
			t.Errorf("the agent's configuration lacks %s", name)
		}
	}
	if len(sent) != len(names) {
		t.Errorf("the agent's configuration has %d of %d metrics", len(sent), len(names))
	}
	used := map[string]bool{}
	for _, w := range d.Widgets {
		for _, r := range w.Definition.Requests {
			for _, q := range r.Queries {
				found := regexp.MustCompile(`atelier\.([a-z_]+)(\.count|\.sum)?\{`).FindStringSubmatch(q.Query)
				if found == nil || sent[found[1]] == "" {
					t.Errorf("widget %q: there is no metric in %s", w.Definition.Title, q.Query)
					continue
				}
				counts := slices.Contains(names, sent[found[1]]+"_total") || strings.HasSuffix(found[1], "_stage_seconds") || strings.HasSuffix(found[1], "_duration_seconds")
				if counts != (found[2] != "") {
					t.Errorf("widget %q: %s has the wrong ending for its type", w.Definition.Title, q.Query)
				}
				used[found[1]] = true
			}
			for _, f := range r.Formulas {
				for _, name := range regexp.MustCompile(`[a-z]+[0-9]*`).FindAllString(f.Formula, -1) {
					if !slices.ContainsFunc(r.Queries, func(q struct{ Name, Query string }) bool { return q.Name == name }) {
						t.Errorf("widget %q: the formula %s has no query %s", w.Definition.Title, f.Formula, name)
					}
				}
			}
		}
	}
	for name := range sent {
		if !used[name] {
			t.Errorf("no widget shows %s", name)
		}
	}
}
