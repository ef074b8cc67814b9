# Run by the builder of a development shell, a bash. Without `set -e`: what stdenv tries may fail.
if [ -n "${stdenv:-}" ]; then
  source "$stdenv/setup"
fi
# Only what is exported reaches another process, and the kernel says what that is, whatever it contains.
"$BASH" -c 'while IFS= read -r -d "" variable; do printf "%s\0" "$variable"; done </proc/self/environ' >"$out"
