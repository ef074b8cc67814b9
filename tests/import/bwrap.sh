#!/bin/sh
# An agent in bubblewrap, as a script has it.
exec bwrap \
  --ro-bind /usr/share/dict /usr/share/dict \
  --ro-bind-try "$HOME/.gitconfig" "$HOME/.gitconfig" \
  --bind ~/.cache/agent /cache \
  --bind "$(pwd)" "$(pwd)" \
  --dev /dev --proc /proc --tmpfs /scratch \
  --size 1048576 --tmpfs /small \
  --symlink usr/lib /lib \
  --dev-bind /dev/kvm /dev/kvm \
  --setenv MODE 'a $b' --unsetenv DEBUG \
  --unshare-all --share-net --die-with-parent --new-session \
  --hostname box --chdir "$(pwd)" \
  --cap-add CAP_NET_ADMIN --seccomp 10 --ro-bind "$(which agent)" /agent \
  bash -c 'echo hi' "$@" 10<filter.bpf
