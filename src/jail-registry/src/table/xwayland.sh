# The script of `xwayland` around a program: an X server inside the jail, whose only way out is the jail's Wayland socket.
# Where there is none the program starts without a server, as it would without a screen.
socket=${WAYLAND_DISPLAY:-wayland-0}
case $socket in /*) ;; *) socket=$XDG_RUNTIME_DIR/$socket ;; esac
if [ -S "$socket" ]; then
  # Programs ask for a socket without a path first. In the host's network one of that number may be somebody else's, which the
  # jail may not connect to; then they do not ask any further.
  number=42 others=
  if [ -r /proc/net/unix ]; then others=$(</proc/net/unix); fi
  while [[ $others$'\n' == *"@/tmp/.X11-unix/X$number"$'\n'* ]]; do number=$((number + 1)); done
  export DISPLAY=:$number
  x11=/tmp/.X11-unix/X$number log=/tmp/.xwayland.log ended=/tmp/.xwayland.ended
  # A child of no process here: the program has none to wait for but its own. A socket without a path would be the host's to reach
  # where the jail has its network.
  ( { %%satellite%% "$DISPLAY" -nolisten local || true; : >"$ended"; } </dev/null >"$log" 2>&1 & )
  for ((wait = 0; wait < 500; wait++)); do
    if [ -S "$x11" ] || [ -e "$ended" ]; then break; fi
    %%sleep%% 0.02
  done
  if ! [ -S "$x11" ] || [ -e "$ended" ]; then
    printf '%s\n' 'xwayland: the X server did not start:' "$(<"$log")" >&2
    exit 125
  fi
fi
exec %%entry%% "$@"
