// hcl-check holds a file of Terraform resources against its canonical format and a schema, and prints what the resources
// come to as JSON: a list of {"type", "name", "arguments"}.
//
//	hcl-check SCHEMA.json < FILE.tf
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: hcl-check SCHEMA.json < FILE.tf")
		os.Exit(2)
	}
	schema, err := readSchema(os.Args[1])
	if err != nil {
		fail(err)
	}
	source, err := io.ReadAll(os.Stdin)
	if err != nil {
		fail(err)
	}
	checked, findings := check(schema, source)
	for _, finding := range findings {
		fmt.Fprintln(os.Stderr, finding)
	}
	if len(findings) > 0 {
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(checked); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "hcl-check:", err)
	os.Exit(2)
}

func readSchema(path string) (Schema, error) {
	var schema Schema
	text, err := os.ReadFile(path)
	if err != nil {
		return schema, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&schema); err != nil {
		return schema, fmt.Errorf("%s: %w", path, err)
	}
	return schema, nil
}

// check says everything that is wrong with a file, a line each.
func check(schema Schema, source []byte) ([]Checked, []string) {
	file, diagnostics := hclsyntax.ParseConfig(source, "", hcl.InitialPos)
	if diagnostics.HasErrors() {
		return nil, inLines(diagnostics)
	}
	checked, findings := schema.check(file.Body.(*hclsyntax.Body))
	formatted, diagnostics := format(source)
	if diagnostics.HasErrors() {
		return nil, append(findings, inLines(diagnostics)...)
	}
	return checked, append(findings, difference(source, formatted)...)
}

// format does what `terraform fmt` does to resources: internal/command/fmt.go of Terraform. It also unwraps "${…}", which
// the schema's check refuses, as it does all that is no plain value.
func format(source []byte) ([]byte, hcl.Diagnostics) {
	file, diagnostics := hclwrite.ParseConfig(source, "", hcl.InitialPos)
	if diagnostics.HasErrors() {
		return nil, diagnostics
	}
	for _, block := range file.Body().Blocks() {
		block.SetLabels(block.Labels())
	}
	return hclwrite.Format(file.Bytes()), nil
}

// difference names the first line that is formatted otherwise.
func difference(source, formatted []byte) []string {
	if bytes.Equal(source, formatted) {
		return nil
	}
	was, is := bytes.Split(source, []byte("\n")), bytes.Split(formatted, []byte("\n"))
	for i := range min(len(was), len(is)) {
		if !bytes.Equal(was[i], is[i]) {
			return []string{fmt.Sprintf("line %d: not in canonical format: %q should be %q", i+1, was[i], is[i])}
		}
	}
	return []string{fmt.Sprintf("not in canonical format: %d lines should be %d", len(was), len(is))}
}

func inLines(diagnostics hcl.Diagnostics) []string {
	var lines []string
	for _, diagnostic := range diagnostics {
		line := 0
		if diagnostic.Subject != nil {
			line = diagnostic.Subject.Start.Line
		}
		lines = append(lines, fmt.Sprintf("line %d: %s: %s", line, diagnostic.Summary, diagnostic.Detail))
	}
	return lines
}
