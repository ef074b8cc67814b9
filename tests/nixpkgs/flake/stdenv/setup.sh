# stdenv's setup: the tools and build inputs in PATH, and the phases. Sourced by the default
# builder, by custom ones, and by `nix develop`.

export SHELL=$shell
PATH=$initialPath
export PATH

# With __structuredAttrs the outputs come in an array.
if [ -n "${__structuredAttrs:-}" ] || [ -n "${NIX_ATTRS_SH_FILE:-}" ]; then
  for _output in "${!outputs[@]}"; do
    export "$_output=${outputs[$_output]}"
  done
  unset _output
fi

# Input lists are arrays or strings, depending on __structuredAttrs.
for _input in ${nativeBuildInputs[*]:-} ${buildInputs[*]:-}; do
  if [ -d "$_input/bin" ]; then
    PATH=$_input/bin:$PATH
  fi
  if [ -f "$_input/nix-support/setup-hook" ]; then
    source "$_input/nix-support/setup-hook"
  fi
done
unset _input

# A hook is a function, or a variable that holds code, or nothing.
runHook() {
  local hook=$1
  if declare -F "$hook" >/dev/null; then
    "$hook"
  else
    eval "${!hook:-}"
  fi
}

# The same for phases, and the variable wins: that is how a package replaces a phase.
runPhase() {
  local phase=$1
  if [ -n "${!phase:-}" ]; then
    eval "${!phase}"
  else
    "$phase"
  fi
}

unpackPhase() {
  runHook preUnpack
  if [ -d "${src:-}" ]; then
    cp -R "$src" source
    chmod -R u+w source
    cd source
  elif [ -n "${src:-}" ]; then
    mkdir source
    tar -xf "$src" -C source --strip-components=1
    cd source
  fi
  if [ -n "${sourceRoot:-}" ]; then
    cd "$sourceRoot"
  fi
  runHook postUnpack
}

patchPhase() {
  runHook prePatch
  local patch
  for patch in ${patches[*]:-}; do
    patch -p1 <"$patch"
  done
  runHook postPatch
}

configurePhase() {
  runHook preConfigure
  if [ -x ./configure ]; then
    ./configure --prefix="$out"
  fi
  runHook postConfigure
}

buildPhase() {
  runHook preBuild
  if [ -e Makefile ]; then
    make
  fi
  runHook postBuild
}

checkPhase() {
  runHook preCheck
  if [ -e Makefile ]; then
    make check
  fi
  runHook postCheck
}

installPhase() {
  runHook preInstall
  if [ -e Makefile ]; then
    make install PREFIX="$out"
  fi
  runHook postInstall
}

# Scripts that a package installs run with the store's shell, as nixpkgs' patchShebangs has it.
patchShebangs() {
  local file
  find "$@" -type f -perm -0100 | while read -r file; do
    if head -n 1 "$file" | grep -aqE '^#! ?(/usr)?/bin/(env )?(ba)?sh'; then
      sed -i -E "1s,^#! ?(/usr)?/bin/(env )?(ba)?sh,#!$shell," "$file"
    fi
  done
}

fixupPhase() {
  runHook preFixup
  local output
  for output in $(_outputNames); do
    if [ -d "${!output}" ] && [ -z "${dontPatchShebangs:-}" ]; then
      patchShebangs "${!output}"
    fi
  done
  runHook postFixup
}

_outputNames() {
  if [ -n "${NIX_ATTRS_SH_FILE:-}" ]; then
    echo "${!outputs[@]}"
  else
    echo "$outputs"
  fi
}

genericBuild() {
  if [ -f "${buildCommandPath:-}" ]; then
    source "$buildCommandPath"
    return
  fi
  if [ -n "${buildCommand:-}" ]; then
    eval "$buildCommand"
    return
  fi
  local phase
  for phase in ${phases[*]:-unpackPhase patchPhase configurePhase buildPhase checkPhase installPhase fixupPhase}; do
    case $phase in
      unpackPhase) [ -z "${dontUnpack:-}" ] || continue ;;
      configurePhase) [ -z "${dontConfigure:-}" ] || continue ;;
      buildPhase) [ -z "${dontBuild:-}" ] || continue ;;
      checkPhase) [ -n "${doCheck:-}" ] || continue ;;
      installPhase) [ -z "${dontInstall:-}" ] || continue ;;
      fixupPhase) [ -z "${dontFixup:-}" ] || continue ;;
    esac
    runPhase "$phase"
  done
}
