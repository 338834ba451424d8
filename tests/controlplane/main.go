// Command controlplane is a real Kubernetes control plane in one process, and the kubectl that fits it, for the tests
// and the demo. README.md has the contract.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/component-base/version"
)

const usage = `usage:
  controlplane serve --dir DIR [--exit-on-stdin-eof]   run etcd and kube-apiserver until SIGTERM or SIGINT
  controlplane kubectl ARG...                          kubectl; a link to this file named kubectl is the same
`

func main() {
	// The API server and kubectl compare and parse versions; the default that a plain "go build" leaves is not one.
	if strings.Contains(version.Get().GitVersion, "$Format") {
		fail(fmt.Errorf("built without its version: use build.sh"))
	}
	if filepath.Base(os.Args[0]) == "kubectl" {
		kubectl(os.Args[1:])
		return
	}
	if len(os.Args) < 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	switch verb, args := os.Args[1], os.Args[2:]; verb {
	case "serve":
		if err := serve(args); err != nil {
			fail(err)
		}
	case "kubectl":
		kubectl(args)
	case "help", "-h", "--help":
		fmt.Print(usage)
	default:
		fmt.Fprintf(os.Stderr, "controlplane: unknown command %q\n%s", verb, usage)
		os.Exit(2)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "controlplane:", err)
	os.Exit(1)
}
