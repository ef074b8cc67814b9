# Builder of the C library's two outputs (glibc.nix says what the variables hold).
set -eu
tab=$(printf '\t')

mkdir -p "$out/lib" "$bin/bin"
printf '%s' "$copied" | while IFS=$tab read -r to from; do
  case $to in
    out/*) cp -L "$from" "$out/${to#out/}" ;;
    bin/*) cp -L "$from" "$bin/${to#bin/}" ;;
  esac
done
ln -s lib "$out/lib64"

# The libraries themselves stay as they are: the loader finds them in its own folder by the
# RPATH of each program, and patchelf would break the loader.
chmod -R u+w "$bin"
for program in $programs; do
  patchelf --force-rpath --set-rpath "$out/lib" \
    --set-interpreter "$out/lib/$loader" "$bin/bin/$program"
done
