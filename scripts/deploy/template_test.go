// Package deploy_test checks that the CloudFormation template meets the requirements of the
// programs, the queue and the page, and rules that template linters don't check.
package deploy_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// A value is a part of the template: map[string]any, []any or a scalar. An intrinsic function is a
// map with one key, as in JSON: Ref, or Fn:: and its name.
type value = any

type resource struct {
	kind       string
	condition  string
	deletion   string
	replace    string
	after      []string // DependsOn
	properties map[string]any
}

type template struct {
	parameters map[string]any
	rules      map[string]any
	resources  map[string]resource
	text       string
}

func readTemplate(t *testing.T) template {
	t.Helper()
	b, err := os.ReadFile("template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var node yaml.Node
	if err := yaml.Unmarshal(b, &node); err != nil {
		t.Fatal(err)
	}
	whole := plain(t, node.Content[0]).(map[string]any)
	tmpl := template{parameters: whole["Parameters"].(map[string]any), resources: map[string]resource{}, text: string(b)}
	tmpl.rules, _ = whole["Rules"].(map[string]any)
	for name, v := range whole["Resources"].(map[string]any) {
		m := v.(map[string]any)
		r := resource{kind: m["Type"].(string)}
		r.condition, _ = m["Condition"].(string)
		r.deletion, _ = m["DeletionPolicy"].(string)
		r.replace, _ = m["UpdateReplacePolicy"].(string)
		for _, name := range list(m["DependsOn"]) {
			r.after = append(r.after, name.(string))
		}
		r.properties, _ = m["Properties"].(map[string]any)
		tmpl.resources[name] = r
	}
	return tmpl
}

// plain converts a node to a value, with its short tags as intrinsic functions.
func plain(t *testing.T, n *yaml.Node) value {
	t.Helper()
	var v value
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plain(t, n.Content[i+1])
		}
		v = m
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			list = append(list, plain(t, c))
		}
		v = list
	case yaml.AliasNode:
		t.Fatalf("line %d: CloudFormation does not support aliases", n.Line)
	default:
		plain := *n
		if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
			plain.Tag = "!!str"
		}
		if err := plain.Decode(&v); err != nil {
			t.Fatal(err)
		}
	}
	name, ok := strings.CutPrefix(n.Tag, "!")
	switch {
	case !ok || strings.HasPrefix(name, "!"):
		return v
	case name == "Ref" || name == "Condition":
		return map[string]any{name: v}
	case name == "GetAtt":
		resource, attribute, _ := strings.Cut(v.(string), ".")
		v = []any{resource, attribute}
	}
	return map[string]any{"Fn::" + name: v}
}

// at returns the value at keys in nested maps.
func (r resource) at(keys ...string) value {
	var v value = r.properties
	for _, k := range keys {
		m, _ := v.(map[string]any)
		v = m[k]
	}
	return v
}

func (tmpl template) of(kind string) map[string]resource {
	found := map[string]resource{}
	for name, r := range tmpl.resources {
		if r.kind == kind {
			found[name] = r
		}
	}
	return found
}

// text returns a value as one line, for searching; for a Fn::Sub with variables its pattern.
func text(v value) string {
	if m, ok := v.(map[string]any); ok && len(m) == 1 {
		if list, ok := m["Fn::Sub"].([]any); ok {
			return text(list[0])
		}
		if s, ok := m["Fn::Sub"].(string); ok {
			return s
		}
	}
	return fmt.Sprint(v)
}

func list(v value) []any {
	if l, ok := v.([]any); ok {
		return l
	}
	if v == nil {
		return nil
	}
	return []any{v}
}

func number(t *testing.T, v value) int {
	t.Helper()
	n, err := strconv.Atoi(fmt.Sprint(v))
	if err != nil {
		t.Errorf("%v is not a number", v)
	}
	return n
}
