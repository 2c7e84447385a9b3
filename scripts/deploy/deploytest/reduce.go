// Package deploytest deploys the CloudFormation template into MiniStack, for tests.
package deploytest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Lacking are the types of resources that MiniStack's CloudFormation does not support, some with
// the unsupported property after a full stop.
var Lacking = []string{
	"AWS::Budgets::Budget",
	"AWS::CloudWatch::Alarm.Metrics",
	"AWS::DataSync::LocationEFS",
	"AWS::DataSync::LocationS3",
	"AWS::DataSync::Task",
	"AWS::EC2::EgressOnlyInternetGateway",
	"AWS::EC2::VPCCidrBlock",
}

// LackingLists are the list attributes that MiniStack's resources don't have, with replacements.
var LackingLists = map[string][]string{
	"AWS::EC2::VPC.Ipv6CidrBlocks": {"2001:db8::/56"},
}

// SeparateActions are the actions for which MiniStack requires a separate permission, where on AWS
// another action's permission suffices.
var SeparateActions = map[string]string{"sqs:SendMessage": "sqs:SendMessageBatch"}

// A Reduction describes the changes to a template with which it can be deployed without some types
// of resources and without file systems for functions.
type Reduction struct {
	// Without has the types of the resources to remove, as in [Lacking].
	Without []string
	// References has replacements for references to removed resources, by type. The default is
	// "absent".
	References map[string]string
	// Lists has replacements for list attributes, by type and name.
	Lists map[string][]string
	// PlainHTTP removes the policy statements that deny requests without TLS.
	PlainHTTP bool
	// Actions has the actions that are allowed together with an action.
	Actions map[string]string
	// Environment is set in each function's environment; "" removes a variable.
	Environment map[string]string
}

// Apply returns the reduced template. Everything else is unchanged, including conditions and
// intrinsic functions.
func (r Reduction) Apply(template []byte) ([]byte, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(template, &document); err != nil {
		return nil, err
	}
	if len(document.Content) != 1 {
		return nil, errors.New("the template is empty")
	}
	resources := member(document.Content[0], "Resources")
	if resources == nil {
		return nil, errors.New("the template has no Resources")
	}
	gone, lists := map[string]string{}, map[string][]string{}
	for name, resource := range members(resources) {
		kind := member(resource, "Type")
		if kind == nil {
			return nil, fmt.Errorf("%s has no Type", name)
		}
		if slices.ContainsFunc(r.Without, func(without string) bool {
			of, property, _ := strings.Cut(without, ".")
			return of == kind.Value && (property == "" || member(member(resource, "Properties"), property) != nil)
		}) {
			gone[name] = "absent"
			if text, ok := r.References[kind.Value]; ok {
				gone[name] = text
			}
		}
		for attribute, list := range r.Lists {
			if of, attribute, _ := strings.Cut(attribute, "."); of == kind.Value {
				lists[name+"."+attribute] = list
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(gone)) {
		remove(resources, name)
	}
	for _, resource := range members(resources) {
		forget(resource, gone)
		if member(resource, "Type").Value == "AWS::Lambda::Function" {
			r.setEnvironment(resource)
		}
	}
	substitute(document.Content[0], gone, lists)
	if r.PlainHTTP {
		allowPlainHTTP(document.Content[0])
	}
	r.allowMore(document.Content[0])
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	if err := errors.Join(e.Encode(&document), e.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func (r Reduction) setEnvironment(function *yaml.Node) {
	variables := member(member(member(function, "Properties"), "Environment"), "Variables")
	if variables == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(r.Environment)) {
		remove(variables, name)
		if v := r.Environment[name]; v != "" {
			variables.Content = append(variables.Content, text(name), text(v))
		}
	}
}

// forget removes resources from the dependencies of another one.
func forget(resource *yaml.Node, gone map[string]string) {
	depends := member(resource, "DependsOn")
	if depends == nil {
		return
	}
	isGone := func(n *yaml.Node) bool { _, ok := gone[n.Value]; return ok }
	depends.Content = slices.DeleteFunc(depends.Content, isGone)
	if isGone(depends) || depends.Kind == yaml.SequenceNode && len(depends.Content) == 0 {
		remove(resource, "DependsOn")
	}
}

var variable = regexp.MustCompile(`\$\{([A-Za-z0-9]+)(\.[A-Za-z0-9.]+)?\}`)

// substitute replaces references to resources by text.
func substitute(n *yaml.Node, gone map[string]string, lists map[string][]string) {
	for _, child := range n.Content {
		substitute(child, gone, lists)
	}
	switch n.Tag {
	case "!Ref", "!GetAtt":
		name, _, _ := strings.Cut(n.Value, ".")
		if v, ok := gone[name]; ok {
			*n = *text(v)
		} else if list, ok := lists[n.Value]; ok {
			*n = yaml.Node{Kind: yaml.SequenceNode}
			for _, v := range list {
				n.Content = append(n.Content, text(v))
			}
		}
		return
	}
	// Only patterns of Fn::Sub contain ${Name} of a resource.
	if n.Kind == yaml.ScalarNode {
		n.Value = variable.ReplaceAllStringFunc(n.Value, func(reference string) string {
			if v, ok := gone[variable.FindStringSubmatch(reference)[1]]; ok {
				return v
			}
			return reference
		})
	}
}

func (r Reduction) allowMore(n *yaml.Node) {
	if action := member(n, "Action"); action != nil && action.Kind == yaml.ScalarNode && r.Actions[action.Value] != "" {
		*action = yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle, Content: []*yaml.Node{text(action.Value)}}
	}
	if n.Kind == yaml.SequenceNode {
		for _, action := range n.Content {
			if more, ok := r.Actions[action.Value]; ok {
				n.Content = append(n.Content, text(more))
			}
		}
	}
	for _, child := range n.Content {
		r.allowMore(child)
	}
}

func allowPlainHTTP(n *yaml.Node) {
	if n.Kind == yaml.SequenceNode {
		n.Content = slices.DeleteFunc(n.Content, func(statement *yaml.Node) bool {
			return member(member(member(statement, "Condition"), "Bool"), "aws:SecureTransport") != nil
		})
	}
	for _, child := range n.Content {
		allowPlainHTTP(child)
	}
}

func text(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s, Style: yaml.DoubleQuotedStyle}
}

// member returns the value of a key; nil if there is none.
func member(mapping *yaml.Node, key string) *yaml.Node {
	for k, v := range members(mapping) {
		if k == key {
			return v
		}
	}
	return nil
}

func members(mapping *yaml.Node) func(func(string, *yaml.Node) bool) {
	return func(yield func(string, *yaml.Node) bool) {
		if mapping == nil || mapping.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i < len(mapping.Content); i += 2 {
			if !yield(mapping.Content[i].Value, mapping.Content[i+1]) {
				return
			}
		}
	}
}

func remove(mapping *yaml.Node, key string) {
	for i := 0; i < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			mapping.Content = slices.Delete(mapping.Content, i, i+2)
			return
		}
	}
}
