# A stand-in of jailgen's tests, not the real agent. The lines above say which agent and how
# it treats its state; what follows is the same for all. It calls its tools by their paths, so
# that PATH is wholly the jail's.
set -eu

usage() {
  cat_lines \
    "$program: a stand-in of jailgen's tests for the agent $name, not the real one." \
    "  $program --version         says so in one line" \
    "  $program run -- CMD ARG…   writes its state like $name, then becomes CMD" \
    "  $program shell CODE        the same, and CODE is run by the shell that $name uses" \
    "  $program state             writes its state and says what it wrote"
}

cat_lines() {
  printf '%s\n' "$@"
}

complain() {
  printf '%s (stand-in): %s\n' "$program" "$1" >&2
}

# Where the state is that a variable may move (CLAUDE_CONFIG_DIR): the first state folder, and
# the state file then lies in it instead of beside it.
first_state() {
  local moved=
  if [ -n "$configVariable" ]; then moved=${!configVariable:-}; fi
  printf '%s' "$moved"
}

state_folders() {
  local moved folder
  moved=$(first_state)
  for folder in $states; do
    if [ -n "$moved" ]; then
      printf '%s\n' "$moved"
      moved=
    else
      printf '%s\n' "$HOME/$folder"
    fi
  done
}

note() {
  "$coreutils/mkdir" -p "$1" && printf '%s started\n' "$program" >>"$1/stand-in.log"
}

write_state() {
  local folder
  for folder in $(state_folders); do
    if ! note "$folder" 2>/dev/null; then
      complain "cannot write its state in $folder"
      return 1
    fi
    wrote+=("$folder")
  done
  if [ -n "$stateFile" ]; then write_state_file; fi
}

# A lock beside the file, a new file, a rename over the old one; on a bind mount, which cannot
# be renamed over, the same content in place.
write_state_file() {
  local file lock new count folders
  file=$(first_state)
  file=${file:-$HOME}/$stateFile
  mapfile -t folders < <(state_folders)
  if [ -n "$stateFileInside" ] && [ -e "${folders[0]}/$stateFileInside" ]; then
    file=${folders[0]}/$stateFileInside
  fi
  lock=$file.lock
  new=$file.tmp.$$
  count=$(state_file_count "$file")
  if ! "$coreutils/mkdir" "$lock" 2>/dev/null; then lock=; fi
  if printf '{"standIn":"%s","numStartups":%d}\n' "$name" "$((count + 1))" 2>/dev/null >"$new" &&
    "$coreutils/mv" -T "$new" "$file" 2>/dev/null; then
    wrote+=("$file (renamed)")
  elif { printf '{"standIn":"%s","numStartups":%d}\n' "$name" "$((count + 1))" >"$file"; } 2>/dev/null; then
    wrote+=("$file (in place)")
  else
    complain "cannot write $file"
    wrote+=("$file (not written)")
  fi
  "$coreutils/rm" -f "$new" 2>/dev/null || true
  if [ -n "$lock" ]; then "$coreutils/rmdir" "$lock"; fi
}

state_file_count() {
  local text=
  if [ -r "$1" ]; then text=$(<"$1"); fi
  if [[ $text =~ \"numStartups\":([0-9]+) ]]; then
    printf '%s' "${BASH_REMATCH[1]}"
  else
    printf 0
  fi
}

write_scratch() {
  local folder file
  for folder in ${scratches//UID/$UID}; do
    file=$folder/.$program-stand-in.$$
    if "$coreutils/mkdir" -p "$folder" 2>/dev/null && : 2>/dev/null >"$file"; then
      "$coreutils/rm" -f "$file"
      wrote+=("$folder")
    elif [ "$needsScratch" = true ]; then
      complain "cannot write in $folder"
      return 1
    fi
  done
}

agent_shell() {
  case $shellKind in
    SHELL) printf '%s' "${SHELL:-bash}" ;;
    passwd) passwd_shell ;;
    *) printf '%s' "$shellKind" ;;
  esac
}

passwd_shell() {
  local user password uid gid comment home login
  while IFS=: read -r user password uid gid comment home login; do
    if [ "$uid" = "$UID" ]; then
      printf '%s' "$login"
      return
    fi
  done </etc/passwd
  complain "there is no user $UID in /etc/passwd"
  return 1
}

# What a real one does before the first command. `wrote` is for `state`.
wrote=()
start() {
  if ! { write_state && write_scratch; }; then
    if [ "$quietWithoutState" = true ]; then exit 0; fi
    exit 1
  fi
}

case "${1:-}" in
  --version | -v)
    printf '%s 1.0-standin (a stand-in of the tests of jailgen)\n' "$program"
    ;;
  run)
    shift
    if [ "${1:-}" = -- ]; then shift; fi
    if [ $# -eq 0 ]; then complain 'run needs a command'; exit 2; fi
    start
    exec "$@"
    ;;
  shell)
    if [ $# -ne 2 ]; then complain 'shell needs one argument'; exit 2; fi
    start
    shell_program=$(agent_shell)
    exec "$shell_program" -c "$2"
    ;;
  state)
    start
    cat_lines "${wrote[@]}"
    ;;
  *)
    usage
    ;;
esac
