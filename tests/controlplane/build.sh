#!/bin/sh
# Builds the control plane into the file OUT.
set -eu
[ $# -eq 1 ] || { echo "usage: build.sh OUT" >&2; exit 2; }
case $1 in /*) out=$1 ;; *) out=$PWD/$1 ;; esac
cd "$(dirname "$0")"

# kube-apiserver and kubectl take their version from the linker; go.mod is the one place that says which it is.
version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
major=${version#v} && major=${major%%.*}
minor=${version#v*.} && minor=${minor%%.*}
key=k8s.io/component-base/version
exec go build -mod=readonly -trimpath -buildvcs=false -o "$out" \
	-ldflags "-s -w -X $key.gitVersion=$version -X $key.gitMajor=$major -X $key.gitMinor=$minor -X $key.gitTreeState=clean" .
