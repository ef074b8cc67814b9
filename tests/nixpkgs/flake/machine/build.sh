# Builder of one package from the machine's files (make-package.nix says what the variables hold).
# Runs under the machine's /bin/sh with the machine's tools: there is nothing else yet.
set -eu
tab=$(printf '\t')

# "bin/lib/libx.so" is lib/libx.so in the output called bin.
place() {
  output=${1%%/*}
  eval "printf '%s/%s' \"\$$output\" \"\${1#*/}\""
}

rows() {
  printf '%s' "$1"
}

copy_files() {
  rows "$copied" | while IFS=$tab read -r to from; do
    target=$(place "$to")
    mkdir -p "$(dirname "$target")"
    if [ -d "$from" ]; then
      cp -R -P "$from" "$target"
      chmod -R u+w "$target"
      copy_what_links_lead_to "$from" "$target"
    else
      cp -L "$from" "$target"
      chmod u+w "$target"
    fi
  done
}

# Debian's folders have links to other places of the machine, /etc for instance. Links within
# a folder are the many, and are left alone.
copy_what_links_lead_to() {
  find "$2" -type l \( -lname '/*' -o -lname '*../*' \) | while read -r link; do
    case $(readlink -f "$link") in
      "$self"/*) continue ;;
    esac
    original=$1${link#"$2"}
    rm "$link"
    if [ -e "$original" ]; then cp -R -L "$original" "$link"; fi
  done
  find "$2" -xtype l -delete
}

# What is not for the stand-in, and Python's compiled files, which hold times.
drop_files() {
  set -f
  for pattern in $drop __pycache__; do
    find "$1" -depth -name "$pattern" -exec rm -rf {} +
  done
  set +f
  for place in $unwanted; do
    rm -f "$1/$place"
  done
}

make_links() {
  rows "$linked" | while IFS=$tab read -r link target; do
    link=$(place "$link")
    mkdir -p "$(dirname "$link")"
    ln -s "$target" "$link"
  done
}

point_scripts_at_the_store() {
  rows "$scripts" | while IFS=$tab read -r script interpreter; do
    case $interpreter in
      SELF/*) interpreter=$self/${interpreter#SELF/} ;;
    esac
    sed -i "1s|^#!.*|#!$interpreter|" "$(place "$script")"
  done
}

# The RPATH starts with all libraries of the package and is cut down to what each file needs,
# so that the store's references are those that a linker would have made.
point_programs_at_the_store() {
  rpath=$out/lib
  for library in $libraries $cLibrary; do
    rpath=$rpath:$library/lib
  done
  rows "$elfFiles" | while read -r file; do
    file=$(place "$file")
    patchelf --force-rpath --set-rpath "$rpath" "$file"
    patchelf --shrink-rpath "$file"
    if patchelf --print-interpreter "$file" >/dev/null 2>&1; then
      patchelf --set-interpreter "$cLibrary/lib/$loader" "$file"
    fi
  done
}

# bin/git becomes a script that sets its variables and starts bin/.git-wrapped.
wrap_programs() {
  for program in "$self"/bin/*; do
    if [ -L "$program" ]; then continue; fi
    wrapped=$self/bin/.$(basename "$program")-wrapped
    mv "$program" "$wrapped"
    {
      printf '#!%s\n' "$wrapperShell"
      rows "$environment" | while IFS=$tab read -r variable path; do
        printf 'export %s="${%s-%s}"\n' "$variable" "$variable" "$self/$path"
      done
      printf 'exec -a "$0" %s "$@"\n' "$wrapped"
    } >"$program"
    chmod +x "$program"
  done
}

eval "self=\$$mainOutput"
mkdir -p "$self"
copy_files
drop_files "$self"
make_links
point_scripts_at_the_store
if [ -n "$elfFiles" ]; then point_programs_at_the_store; fi
if [ -n "$environment" ]; then wrap_programs; fi

# Such a package can be overridden, too: pkgs.git.overrideAttrs (old: { postInstall = "…"; }).
eval "${postInstall:-}"
