package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
)

// kubectl does what cmd/kubectl does. It reads the process's arguments in several places, so they are replaced rather
// than passed.
func kubectl(args []string) {
	os.Args = append([]string{"kubectl"}, args...)
	// The error is left to the flag parsing that follows, which reports it better.
	_, _ = logs.GlogSetter(cmd.GetLogVerbosity(os.Args))
	if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err)
	}
}
