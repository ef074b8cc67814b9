# Builder of stdenv itself: its setup file with the paths filled in.
mkdir -p "$out"
{
  printf 'initialPath=%q\n' "$PATH"
  printf 'shell=%q\n' "$shell"
  cat "$setup"
} >"$out/setup"
