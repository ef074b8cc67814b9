# shellcheck shell=sh
# Settings for Nix without a network, to be sourced by shells: `. scripts/env.sh`.
#
#   substituters =        or every build first waits seconds for a cache it cannot reach
#   flake-registry =      or the first flake command looks the registry up
#   build-users-group =   only where the group that Nix would build as is missing or empty
#   sandbox = false       the stand-in nixpkgs copies this machine's programs, and sandboxes
#                         cannot be made in many containers
#   max-jobs = auto       Nix alone would build one package after the other
#
# The last four are for the owner of the store. If that is a daemon, they are the daemon's to
# decide, and a user who gives them is warned: JAILGEN_NIX_ROLE is `owner` or `client`, found out
# here unless it is set. What the caller's own NIX_CONFIG says comes last and wins; sourcing this
# again, also in another role, starts from that.

jailgen_nix_role() {
  if [ -n "${JAILGEN_NIX_ROLE:-}" ]; then
    printf '%s' "$JAILGEN_NIX_ROLE"
  elif [ -w /nix/var/nix/db ] || [ ! -e /nix/var/nix/db ]; then
    printf owner
  else
    printf client
  fi
}

jailgen_nix_config() {
  printf '# jailgen tests\nexperimental-features = nix-command flakes\nflake-registry =\nwarn-dirty = false\n'
  if [ "$(jailgen_nix_role)" = owner ]; then
    printf 'substituters =\nsandbox = false\nmax-jobs = auto\n'
    if [ -z "$(getent group nixbld | cut -d: -f4)" ]; then
      printf 'build-users-group =\n'
    fi
  fi
}

case "${NIX_CONFIG:-}" in
  '# jailgen tests'*) ;;
  *) export JAILGEN_CALLERS_NIX_CONFIG="${NIX_CONFIG:-}" ;;
esac
NIX_CONFIG="$(jailgen_nix_config)
${JAILGEN_CALLERS_NIX_CONFIG:-}"
export NIX_CONFIG
