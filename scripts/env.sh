# Settings for Nix without a network, to be sourced: `. scripts/env.sh`.
#
# Settings that the caller's NIX_CONFIG has already come last and win.
#
#   substituters =        or every build first waits seconds for a cache it cannot reach
#   flake-registry =      or the first flake command looks the registry up
#   build-users-group =   only where the group that Nix would build as is missing or empty
#   sandbox = false       the stand-in nixpkgs copies this machine's programs, and sandboxes
#                         cannot be made in many containers
#
# With `JAILGEN_NIX_ROLE=client` the settings are those that a user of someone else's daemon may
# set: the others are the daemon's to decide, and an untrusted user who gives them is warned.

jailgen_nix_config() {
  printf 'experimental-features = nix-command flakes\nflake-registry =\nwarn-dirty = false\n'
  if [ "${JAILGEN_NIX_ROLE:-owner}" = client ]; then
    return
  fi
  printf 'substituters =\nsandbox = false\nmax-jobs = auto\n'
  if [ -z "$(getent group nixbld | cut -d: -f4)" ]; then
    printf 'build-users-group =\n'
  fi
}

# Exported twice (by make and by a script that it runs) the settings must not pile up.
case "${NIX_CONFIG:-}" in
  *'# jailgen tests'*) ;;
  *)
    NIX_CONFIG="# jailgen tests
$(jailgen_nix_config)
${NIX_CONFIG:-}"
    export NIX_CONFIG
    ;;
esac
