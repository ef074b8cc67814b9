#!/bin/sh
# Installs jailgen from the folder that this script is in, or removes it again. jailgen also runs where it is: bin/jailgen.
set -eu

usage() {
  cat <<'TEXT'
Usage: install.sh [--uninstall] [PREFIX]

Copies bin, lib and share below PREFIX (/usr/local unless it is given). `install.sh ~/.local` needs no root.
  --uninstall    removes what it has copied there
TEXT
}

uninstall=
case "${1:-}" in
  -h | --help)
    usage
    exit 0
    ;;
  --uninstall)
    uninstall=yes
    shift
    ;;
  -*)
    usage >&2
    exit 2
    ;;
esac
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
prefix=${1:-/usr/local}
case "$prefix" in
  *[!A-Za-z0-9._~+=@,/-]*)
    # Flakes name a part of it by a URL.
    echo "install.sh: PREFIX is \`$prefix\`, and may have letters, digits and \`-._~+=@,\` only" >&2
    exit 1
    ;;
  /*) ;;
  *) prefix=$PWD/$prefix ;;
esac

# Every file of ours, and nothing else.
cd "$here"
find bin lib share ! -type d | while IFS= read -r file; do
  if [ -n "$uninstall" ]; then
    rm -f "$prefix/$file"
  else
    mkdir -p "$prefix/$(dirname "$file")"
    # A file that runs is replaced, and not written over.
    rm -f "$prefix/$file"
    cp -p "$file" "$prefix/$file"
  fi
done

if [ -n "$uninstall" ]; then
  rm -rf "$prefix/lib/jailgen" "$prefix/share/jailgen" "$prefix/share/doc/jailgen"
  echo "jailgen is removed from $prefix"
  exit 0
fi
echo "jailgen is installed in $prefix"
case ":$PATH:" in
  *":$prefix/bin:"*) ;;
  *) echo "put it into your PATH: export PATH=$prefix/bin:\$PATH" ;;
esac
# Ubuntu 24.04 and newer let a program make user namespaces only if a profile says so.
if [ -e /etc/apparmor.d/abi/4.0 ] && [ ! -e /etc/apparmor.d/jail-stub ]; then
  echo "jails need an AppArmor profile here; as root:"
  echo "  $prefix/bin/jailgen doctor --apparmor >/etc/apparmor.d/jail-stub && apparmor_parser -r /etc/apparmor.d/jail-stub"
fi
