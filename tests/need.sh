#!/bin/sh
# Says what this machine lacks, one line for each program, and fails if that is anything: need.sh PROGRAM...
set -u
cd "$(dirname "$0")/.." || exit 1

lacks=0

# lack PROGRAM LEAST FOUND HOW
lack() {
    echo "need: $1 $2 (found: $3). Get it: $4" >&2
    lacks=1
}

# Whether version $1 is at least $2.
at_least() {
    [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

need_cargo() {
    least=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    found=$(cargo --version 2>/dev/null | cut -d ' ' -f 2)
    at_least "${found%%-*}" "$least" ||
        lack cargo "$least or newer" "${found:-none}" "https://rustup.rs, or: rustup update stable"
}

# A part of the Rust toolchain that is called as `cargo PART`.
need_component() {
    cargo "$1" --version >/dev/null 2>&1 || lack "cargo $1" "of the same Rust" none "rustup component add $2"
}

# Asked in the module's folder, where Go may choose to fetch the version that go.mod wants.
need_go() {
    least=$(sed -n 's/^go //p' tests/controlplane/go.mod)
    found=$(cd tests/controlplane && go env GOVERSION 2>/dev/null)
    at_least "${found#go}" "$least" ||
        lack go "$least or newer" "${found:-none}" "https://go.dev/dl"
}

need_python3() {
    python=${PYTHON:-python3}
    "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null ||
        lack "$python" "3.10 or newer with venv" "$("$python" --version 2>/dev/null || echo none)" \
            "apt-get install python3-venv, dnf install python3, or https://www.python.org/downloads"
}

need_cc() {
    "${CC:-cc}" --version >/dev/null 2>&1 ||
        lack "${CC:-cc}" "(a C compiler that knows C11)" none \
            "apt-get install build-essential, dnf install gcc, or xcode-select --install"
}

for program in "$@"; do
    case $program in
        clippy) need_component clippy clippy ;;
        fmt) need_component fmt rustfmt ;;
        cargo | go | python3 | cc) "need_$program" ;;
        *) echo "need.sh: unknown program $program" >&2; exit 2 ;;
    esac
done
exit "$lacks"
