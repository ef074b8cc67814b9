# The install phase of one agent (make-agent.nix says what the variables hold).
mkdir -p "$out/bin"

# The npm packages with the programs bring nothing else that is needed. A static one stays as it is.
#
# RPATH and not RUNPATH: it also serves libraries that a program unpacks at run time and loads, and the C library itself,
# which loads libgcc_s when a thread ends and aborts the program where there is none. The C library of the real nixpkgs
# knows both folders; the stand-in's, which is Debian's, does not.
install_own_program() {
  take_program "$modules/$entry" "$out/bin/$program"
}

take_program() {
  cp "$1" "$2"
  chmod u+w,+x "$2"
  if "$patchelf" --print-interpreter "$2" >/dev/null 2>&1; then
    "$patchelf" --force-rpath --set-interpreter "$loader" --set-rpath "$libraries" "$2"
  fi
}

install_node_script() {
  mkdir -p "$out/lib"
  cp -R "$modules" "$out/lib/node_modules"
  chmod -R u+w "$out/lib/node_modules"
  if [ -n "$node" ]; then
    nodejs=$out/lib/node
    mkdir -p "$nodejs/bin"
    take_program "$node" "$nodejs/bin/node"
  fi
  printf '#!%s\nexec %s/bin/node %s "$@"\n' "$shell" "$nodejs" "$out/lib/node_modules/$entry" >"$out/bin/$program"
  chmod +x "$out/bin/$program"
}

case $kind in
  own-program) install_own_program ;;
  node-script) install_node_script ;;
esac
