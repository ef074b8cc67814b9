#!/bin/sh
# go: a stand-in of jailgen's tests. It writes into Go's folders and compiles nothing.
set -eu
PATH=@path@${PATH:+:$PATH}

gopath=${GOPATH:-$HOME/go}
gocache=${GOCACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/go-build}
gomodcache=${GOMODCACHE:-$gopath/pkg/mod}

case "${1:-help}" in
  version)
    echo "go version go1.0-standin (a stand-in of jailgen's tests)"
    ;;
  env)
    shift
    for variable in "$@"; do
      case $variable in
        GOPATH) echo "$gopath" ;;
        GOCACHE) echo "$gocache" ;;
        GOMODCACHE) echo "$gomodcache" ;;
        GOROOT) echo "@out@/share/go" ;;
        *) echo ;;
      esac
    done
    ;;
  build | run | test | install)
    mkdir -p "$gocache" "$gomodcache"
    work=$(mktemp -d "${GOTMPDIR:-${TMPDIR:-/tmp}}/go-build.XXXXXX")
    echo "$*" >"$work/action"
    mv "$work/action" "$gocache/last-action"
    rmdir "$work"
    echo "go $1: a stand-in of jailgen's tests, nothing was compiled"
    ;;
  *)
    echo "go: a stand-in of jailgen's tests: version, env, build, run, test, install"
    ;;
esac
