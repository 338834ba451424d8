package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// Schema says what resources there are.
type Schema struct {
	// Where it is from.
	Source    string              `json:"source"`
	Resources map[string]Resource `json:"resources"`
}

// Resource is one type of them.
type Resource struct {
	Arguments map[string]Argument `json:"arguments"`
	// Of each list, one argument is given, and no more.
	ExactlyOneOf [][]string  `json:"exactlyOneOf"`
	Conditions   []Condition `json:"conditions"`
}

// Argument is one of a resource.
type Argument struct {
	// string, number or map(string).
	Type     string `json:"type"`
	Required bool   `json:"required"`
}

// Condition is one that depends on an argument's value.
type Condition struct {
	Argument string `json:"argument"`
	// It holds for these values, or for all but these.
	Is    []string `json:"is"`
	IsNot []string `json:"isNot"`
	// Then these must be given, or must not be.
	Requires []string `json:"requires"`
	Forbids  []string `json:"forbids"`
}

// Checked is a resource with its arguments' values.
type Checked struct {
	Type      string                             `json:"type"`
	Name      string                             `json:"name"`
	Arguments map[string]ctyjson.SimpleJSONValue `json:"arguments"`
}

// check says everything that does not fit, a line each.
func (schema Schema) check(body *hclsyntax.Body) ([]Checked, []string) {
	checked, findings := []Checked{}, []string{}
	for _, attribute := range body.Attributes {
		findings = append(findings, at(attribute.NameRange.Start.Line, "%s stands outside of a resource", attribute.Name))
	}
	names := map[string]int{}
	for _, block := range body.Blocks {
		line := block.TypeRange.Start.Line
		if block.Type != "resource" || len(block.Labels) != 2 {
			findings = append(findings, at(line, "%s with %d labels, not a resource with two", block.Type, len(block.Labels)))
			continue
		}
		resource, known := schema.Resources[block.Labels[0]]
		if !known {
			findings = append(findings, at(line, "there is no resource %s", block.Labels[0]))
			continue
		}
		name := block.Labels[0] + "." + block.Labels[1]
		if !hclsyntax.ValidIdentifier(block.Labels[1]) {
			findings = append(findings, at(line, "%s: not a name", name))
		}
		if before, taken := names[name]; taken {
			findings = append(findings, at(line, "%s stands in line %d already", name, before))
		}
		names[name] = line
		values, wrong := resource.check(name, block)
		findings = append(findings, wrong...)
		arguments := map[string]ctyjson.SimpleJSONValue{}
		for key, value := range values {
			arguments[key] = ctyjson.SimpleJSONValue{Value: value}
		}
		checked = append(checked, Checked{block.Labels[0], block.Labels[1], arguments})
	}
	return checked, findings
}

func (resource Resource) check(name string, block *hclsyntax.Block) (map[string]cty.Value, []string) {
	var findings []string
	line := block.TypeRange.Start.Line
	tell := func(line int, text string, words ...any) {
		findings = append(findings, at(line, "%s: "+text, append([]any{name}, words...)...))
	}
	for _, inner := range block.Body.Blocks {
		tell(inner.TypeRange.Start.Line, "there is no block %s", inner.Type)
	}
	values := map[string]cty.Value{}
	given := block.Body.Attributes
	for _, key := range slices.Sorted(maps.Keys(given)) {
		if key == "provider" {
			// Every resource has it: a reference to a provider's configuration, such as aws.east.
			if traversal, diagnostics := hcl.AbsTraversalForExpr(given[key].Expr); diagnostics.HasErrors() || len(traversal) != 2 {
				tell(given[key].NameRange.Start.Line, "provider is not a reference to one")
			}
			continue
		}
		argument, known := resource.Arguments[key]
		if !known {
			tell(given[key].NameRange.Start.Line, "there is no argument %s", key)
			continue
		}
		value, diagnostics := given[key].Expr.Value(nil)
		if diagnostics.HasErrors() || !fits(argument.Type, value) {
			tell(given[key].NameRange.Start.Line, "%s is not a plain value of type %s", key, argument.Type)
			continue
		}
		values[key] = value
	}
	for _, key := range slices.Sorted(maps.Keys(resource.Arguments)) {
		if resource.Arguments[key].Required && given[key] == nil {
			tell(line, "lacks %s", key)
		}
	}
	for _, choice := range resource.ExactlyOneOf {
		chosen := slices.DeleteFunc(slices.Clone(choice), func(key string) bool { return given[key] == nil })
		if len(chosen) != 1 {
			tell(line, "has %d of %v, not one", len(chosen), choice)
		}
	}
	for _, condition := range resource.Conditions {
		if !condition.holds(values) {
			continue
		}
		for _, key := range condition.Requires {
			if given[key] == nil {
				tell(line, "lacks %s, which this %s needs", key, condition.Argument)
			}
		}
		for _, key := range condition.Forbids {
			if given[key] != nil {
				tell(line, "has %s, which this %s forbids", key, condition.Argument)
			}
		}
	}
	return values, findings
}

func (condition Condition) holds(values map[string]cty.Value) bool {
	value, given := values[condition.Argument]
	if !given {
		return false
	}
	if condition.Is != nil {
		return slices.Contains(condition.Is, value.AsString())
	}
	return !slices.Contains(condition.IsNot, value.AsString())
}

func fits(kind string, value cty.Value) bool {
	if value.IsNull() {
		return false
	}
	switch kind {
	case "string":
		return value.Type() == cty.String
	case "number":
		return value.Type() == cty.Number && value.AsBigFloat().IsInt()
	case "map(string)":
		if !value.Type().IsObjectType() {
			return false
		}
		for _, element := range value.AsValueMap() {
			if element.IsNull() || element.Type() != cty.String {
				return false
			}
		}
		return true
	default:
		return false
	}
}

func at(line int, text string, words ...any) string {
	return fmt.Sprintf("line %d: ", line) + fmt.Sprintf(text, words...)
}
