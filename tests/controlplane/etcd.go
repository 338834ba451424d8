package main

import (
	"net/url"
	"path/filepath"

	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/storage/wal"
)

// The sockets' names are relative: the process works in its own directory, so a long path to it can't exceed the 108
// bytes of a socket address, no port is taken, and only who may enter the directory can connect. The zeros are part of
// the names, and there because etcd insists on host:port.
const (
	etcdClientURL = "unix://etcd.sock:0"
	etcdPeerURL   = "unix://etcd-peer.sock:0"
)

func startEtcd(dir string) (*embed.Etcd, error) {
	client, err := url.Parse(etcdClientURL)
	if err != nil {
		return nil, err
	}
	peer, err := url.Parse(etcdPeerURL)
	if err != nil {
		return nil, err
	}
	cfg := embed.NewConfig()
	cfg.Dir = filepath.Join(dir, "etcd")
	cfg.LogLevel = "warn"
	cfg.WarningUnaryRequestDuration = embed.DefaultWarningUnaryRequestDuration // Embedded, it is 0 and logs each request.
	cfg.LogOutputs = []string{"stderr"}
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{*client}, []url.URL{*client}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{*peer}, []url.URL{*peer}
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	// The data does not outlive the process: nothing has to survive a power cut, or to be preallocated at 128 MB.
	cfg.UnsafeNoFsync = true
	wal.SegmentSizeBytes = 8 << 20
	return embed.StartEtcd(cfg)
}
