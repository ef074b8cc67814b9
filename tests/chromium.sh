# shellcheck shell=bash
# A real browser for the tests that look at pages, to be sourced: `browser` and `modules` are set, or the script ends.

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$browser" ]; then
  printf '%s: there is no Chromium (apt install chromium)\n' "$0" >&2
  exit 1
fi

modules=${CARGO_TARGET_DIR:-target}/report
mkdir -p "$modules"
npm install --silent --no-audit --no-fund --prefix "$modules" playwright-core@1.65.1 axe-core@4.14.1
