# makeWrapper and wrapProgram, with the options that packages of agents use. An unknown option
# stops the build: ignoring it would make a wrapper that does something else.

# makeWrapper ORIGINAL WRAPPER [OPTION …]
makeWrapper() {
  local original=$1 wrapper=$2
  shift 2
  local argv0='"$0"' before='' after=''
  mkdir -p "$(dirname "$wrapper")"
  printf '#!%s -e\n' "$shell" >"$wrapper"
  while [ $# -gt 0 ]; do
    case $1 in
      --set) printf 'export %s=%q\n' "$2" "$3"; shift 3 ;;
      --set-default) printf 'export %s="${%s-%s}"\n' "$2" "$2" "$3"; shift 3 ;;
      --unset) printf 'unset %s\n' "$2"; shift 2 ;;
      --prefix) printf 'export %s=%q"${%s:+%s$%s}"\n' "$2" "$4" "$2" "$3" "$2"; shift 4 ;;
      --suffix) printf 'export %s="${%s:+$%s%s}"%q\n' "$2" "$2" "$2" "$3" "$4"; shift 4 ;;
      --chdir) printf 'cd %q\n' "$2"; shift 2 ;;
      --run) printf '%s\n' "$2"; shift 2 ;;
      --add-flags | --add-flag) before+=" $2"; shift 2 ;;
      --append-flags | --append-flag) after+=" $2"; shift 2 ;;
      --argv0) argv0=$(printf '%q' "$2"); shift 2 ;;
      --inherit-argv0) argv0='"$0"'; shift ;;
      *) echo "makeWrapper of the stand-in nixpkgs: unknown option $1" >&2; return 1 ;;
    esac
  done >>"$wrapper"
  printf 'exec -a %s %q%s "$@"%s\n' "$argv0" "$original" "$before" "$after" >>"$wrapper"
  chmod +x "$wrapper"
}

# wrapProgram PROGRAM [OPTION …]
wrapProgram() {
  local program=$1
  shift
  local hidden
  hidden=$(dirname "$program")/.$(basename "$program")-wrapped
  mv "$program" "$hidden"
  makeWrapper "$hidden" "$program" "$@"
}

makeShellWrapper() { makeWrapper "$@"; }
wrapProgramShell() { wrapProgram "$@"; }
