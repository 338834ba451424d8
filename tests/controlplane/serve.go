package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// startTimeout is many times what an idle machine needs: a busy one must not fail, and a broken one must not hang.
const startTimeout = 2 * time.Minute

func serve(args []string) error {
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	dir := flags.String("dir", "", "an empty or absent directory for all that this run writes")
	exitOnEOF := flags.Bool("exit-on-stdin-eof", false, "also stop when standard input ends, as it does when the process that holds its other end dies")
	_ = flags.Parse(args) // ExitOnError
	if *dir == "" || flags.NArg() != 0 {
		return errors.New("serve needs --dir DIR and no further arguments")
	}
	if err := enter(*dir); err != nil {
		return err
	}
	stderr, err := redirectStderr("log")
	if err != nil {
		return err
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	if *exitOnEOF {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stop()
		}()
	}
	if err := run(ctx); err != nil {
		fmt.Fprintf(stderr, "controlplane: %v (see %s)\n", err, filepath.Join(*dir, "log"))
		os.Exit(1)
	}
	return nil
}

// enter makes dir, refuses one that was used before, whose kubeconfig would look ready, and goes there.
func enter(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(entries) != 0 {
		return fmt.Errorf("%s is not empty: each run needs a directory of its own", dir)
	}
	return os.Chdir(dir)
}

// redirectStderr sends the file descriptor, not a logger, to a file: etcd, kube-apiserver and the Go runtime's panics
// all go there. It returns the former standard error.
func redirectStderr(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	former, err := unix.FcntlInt(os.Stderr.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(former), "stderr"), unix.Dup3(int(file.Fd()), int(os.Stderr.Fd()), 0)
}

// run returns nil when ctx ended it, and an error when something else did.
func run(ctx context.Context) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	keys, err := newPKI()
	if err != nil {
		return err
	}
	pkiDir := filepath.Join(dir, "pki")
	if err := keys.write(pkiDir); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	url := "https://" + listener.Addr().String()

	etcd, err := startEtcd(dir)
	if err != nil {
		return fmt.Errorf("etcd: %w", err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- runAPIServer(ctx, listener, pkiDir) }()
	failed := make(chan error, 1)
	go func() { failed <- announce(ctx, url, keys, filepath.Join(dir, "kubeconfig")) }()

	for {
		select {
		case <-ctx.Done():
			// kube-apiserver would drain its watches, its own among them, for up to a minute, and etcd its connections.
			// With nothing to keep, the process's end does as well.
			return nil
		case err := <-stopped:
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("kube-apiserver ended: %w", err)
		case err := <-etcd.Err():
			return fmt.Errorf("etcd ended: %w", err)
		case err := <-failed:
			if err != nil && ctx.Err() == nil {
				return err
			}
			failed = nil
		}
	}
}

// announce starts the controllers as soon as the server is ready, and tells the caller when all is.
func announce(ctx context.Context, url string, keys *pki, kubeconfig string) error {
	config := &rest.Config{
		Host:            url,
		TLSClientConfig: rest.TLSClientConfig{CAData: keys.caCert, CertData: keys.adminCert, KeyData: keys.adminKey},
		QPS:             -1, // The default limit of 5 a second is for clients that share a server.
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	if err := poll(ctx, func(ctx context.Context) error {
		return client.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	}); err != nil {
		return fmt.Errorf("/readyz: %w", err)
	}
	if err := startControllers(ctx, config, client); err != nil {
		return err
	}
	// Until it exists, admission refuses pods, which /readyz does not know.
	if err := poll(ctx, func(ctx context.Context) error {
		_, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
		return err
	}); err != nil {
		return fmt.Errorf("service account default/default: %w", err)
	}
	if err := writeKubeconfig(kubeconfig, url, keys); err != nil {
		return err
	}
	_, err = fmt.Println("ready", url)
	return err
}

// poll tries until attempt succeeds, and returns its last error when there was no time left.
func poll(ctx context.Context, attempt func(context.Context) error) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, 25*time.Millisecond, startTimeout, true, func(ctx context.Context) (bool, error) {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		last = attempt(ctx)
		return last == nil, nil
	})
	if err != nil {
		return errors.Join(err, last)
	}
	return nil
}

// writeKubeconfig renames it into place, so that who waits for the file never reads half of it.
func writeKubeconfig(path, url string, keys *pki) error {
	const name = "controlplane"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: url, CertificateAuthorityData: keys.caCert}
	config.AuthInfos["admin"] = &clientcmdapi.AuthInfo{ClientCertificateData: keys.adminCert, ClientKeyData: keys.adminKey}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: "admin", Namespace: "default"}
	config.CurrentContext = name
	partial := path + ".partial"
	if err := clientcmd.WriteToFile(*config, partial); err != nil {
		return err
	}
	return os.Rename(partial, path)
}
