package main

import (
	"context"
	"net"
	"path/filepath"

	"github.com/spf13/pflag"

	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/client-go/rest"
	"k8s.io/component-base/compatibility"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"
)

// runAPIServer does what the kube-apiserver command does, but on a listener that is already bound: a port picked first
// and bound later can be lost to another instance. It returns when ctx has ended and the server has stopped.
func runAPIServer(ctx context.Context, listener net.Listener, pkiDir string) error {
	opts := options.NewServerRunOptions()
	flags := pflag.NewFlagSet("kube-apiserver", pflag.ContinueOnError)
	for _, set := range opts.Flags().FlagSets {
		flags.AddFlagSet(set)
	}
	err := flags.Parse([]string{
		"--etcd-servers=" + etcdClientURL,
		"--bind-address=127.0.0.1",
		"--tls-cert-file=" + filepath.Join(pkiDir, "serving.crt"),
		"--tls-private-key-file=" + filepath.Join(pkiDir, "serving.key"),
		"--client-ca-file=" + filepath.Join(pkiDir, "ca.crt"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-signing-key-file=" + filepath.Join(pkiDir, "sa.key"),
		"--service-account-key-file=" + filepath.Join(pkiDir, "sa.pub"),
		"--authorization-mode=RBAC",
		"--service-cluster-ip-range=10.96.0.0/16",
		// Without these two the server looks for a route to the outside, which a sandbox need not have, and tries again
		// and again to publish a loopback address as an endpoint, which validation refuses.
		"--advertise-address=127.0.0.1",
		"--endpoint-reconciler-type=none",
		// As in most clusters. Otherwise validation refuses privileged pods before Pod Security is asked.
		"--allow-privileged=true",
	})
	if err != nil {
		return err
	}
	opts.SecureServing.Listener = listener
	opts.SecureServing.BindPort = listener.Addr().(*net.TCPAddr).Port

	registry := opts.GenericServerRunOptions.ComponentGlobalsRegistry
	if err := registry.Set(); err != nil {
		return err
	}
	if err := logsapi.ValidateAndApply(opts.Logs, registry.FeatureGateFor(compatibility.DefaultKubeComponent)); err != nil {
		return err
	}
	rest.SetDefaultWarningHandler(rest.NoWarnings{})

	completed, err := opts.Complete(ctx)
	if err != nil {
		return err
	}
	if errs := completed.Validate(); len(errs) != 0 {
		return utilerrors.NewAggregate(errs)
	}
	return app.Run(ctx, completed)
}
