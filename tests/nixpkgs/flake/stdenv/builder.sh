# The default builder. Attributes come in variables, or with __structuredAttrs in a file; Nix
# 2.8 with its sandbox on names that file by a path outside, so the working folder comes first.
if [ -e .attrs.sh ]; then
  NIX_ATTRS_SH_FILE=$PWD/.attrs.sh
  NIX_ATTRS_JSON_FILE=$PWD/.attrs.json
fi
if [ -e "${NIX_ATTRS_SH_FILE:-}" ]; then
  source "$NIX_ATTRS_SH_FILE"
fi
source "$stdenv/setup"
genericBuild
