# Runs the scripts that jail-host sends, one after the other, in this one shell, so that they share its variables.
#
# Messages come on descriptor 241 and answers go to 242, each ended by a NUL: high numbers, which scripts do not use.
# First the names of the variables to report; then `r` and a script to run before the launch, strictly, as in nixpkgs'
# writeShellApplication; then `c` and a script of the cleanup, which goes on after a command that fails.
# Answers: `v` NAME=VALUE and `u` NAME (set, unset), `e` NAME=VALUE (exported), `a` ARGUMENT, `.` at the end; `x` NUMBER
# STATUS when this shell was about to end in or after the script of that number; `c` NUMBER STATUS for a script of the
# cleanup. Values are reported as they are, and never evaluated.

RUNTIME_ARGS=()
__jail_number=0

__jail_tell() {
  for __jail_name in ${__jail_names[@]+"${__jail_names[@]}"}; do
    if [[ -v $__jail_name ]]; then
      builtin printf 'v%s=%s\0' "$__jail_name" "${!__jail_name}"
    else
      builtin printf 'u%s\0' "$__jail_name"
    fi
  done
  mapfile -t __jail_exported <<<"$(compgen -e)"
  for __jail_name in "${__jail_exported[@]}"; do
    builtin printf 'e%s=%s\0' "$__jail_name" "${!__jail_name-}"
  done
  for __jail_name in ${RUNTIME_ARGS[@]+"${RUNTIME_ARGS[@]}"}; do
    builtin printf 'a%s\0' "$__jail_name"
  done
  RUNTIME_ARGS=()
  builtin printf '.\0'
} >&242

__jail_serve() {
  while IFS= read -r -d '' -u 241 __jail_script; do
    __jail_number=$((__jail_number + 1))
    case $__jail_script in
      c*)
        set +o errexit
        eval "${__jail_script:1}"
        builtin printf 'c%s %s\0' "$__jail_number" "$?" >&242
        ;;
    esac
  done
}

# A script that fails or exits ends the shell; on its way out it still answers, and does the cleanup with all its variables.
__jail_end() {
  set +o errexit
  trap : HUP INT TERM
  builtin printf 'x%s %s\0' "$__jail_number" "$1" >&242
  shift
  __jail_serve "$@"
}
trap '__jail_end "$?" "$@"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

IFS=' ' read -r -d '' -u 241 -a __jail_names
set -o errexit -o nounset -o pipefail
while IFS= read -r -d '' -u 241 __jail_script; do
  __jail_number=$((__jail_number + 1))
  case $__jail_script in
    r*)
      eval "${__jail_script:1}"
      __jail_tell
      ;;
    c*)
      # As in __jail_serve, but outside of a function, where `declare` makes variables that stay.
      set +o errexit
      eval "${__jail_script:1}"
      builtin printf 'c%s %s\0' "$__jail_number" "$?" >&242
      ;;
  esac
done
# A trap of a script's own stays.
case $(trap -p EXIT) in *__jail_end*) trap - EXIT ;; esac
