#!/usr/bin/env bash
# Runs schemathesis, all checks on, against the served OpenAPI document, over a recorded incident.
# Usage: tests/schemathesis.sh PATH-OF-SRE-ORCH [EXAMPLES], or --install to prepare only.
# Installs schemathesis from PyPI where it is missing; says so and ends well where that cannot be done.
set -euo pipefail
cd "$(dirname "$0")/.."

sre_orch="$1"
examples="${2:-50}"
# Its generated requests change between releases: the version is part of the test.
version=4.32.5
token=token-for-schemathesis

work="$(mktemp -d)"
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$work"' EXIT

st="$(command -v st || true)"
if [ -z "$st" ] || ! "$st" --version 2>/dev/null | grep -q "$version"; then
  venv="${CARGO_TARGET_DIR:-target}/schemathesis"
  st="$venv/bin/st"
  if [ ! -x "$st" ]; then
    if ! { python3 -m venv "$venv" && timeout 180 "$venv/bin/pip" install -q "schemathesis==$version"; } >"$work/pip" 2>&1; then
      rm -rf "$venv"
      echo "skipped: schemathesis cannot be installed ($(tail -n 1 "$work/pip"))"
      exit 0
    fi
  fi
fi
[ "$sre_orch" = --install ] && exit 0
# It runs elsewhere, to leave its files there.
st="$(realpath "$st")"

echo "$token" >"$work/tokens"
# A full queue and a rate limit are correct answers, but no subject here.
"$sre_orch" serve --listen 127.0.0.1:0 --token-file "$work/tokens" --queue 10000 --rate-limit 0 \
  --bundle tests/fixtures/checkout-missing-env/bundle.tar.gz 2>"$work/log" &
server=$!
for _ in $(seq 100); do
  url="$(sed -n 's/.*"url":"\([^"]*\)".*/\1/p' "$work/log")"
  [ -n "$url" ] && break
  sleep 0.1
done
[ -n "$url" ] || { cat "$work/log" >&2; exit 1; }

cd "$work"
"$st" run "$url/openapi.json" --url "$url" --checks all --header "Authorization: Bearer $token" \
  --max-examples "$examples" --no-color

# Whatever was sent, the server still runs and has not panicked.
kill -0 "$server"
if grep -q '"message":"panic"' "$work/log"; then
  grep '"message":"panic"' "$work/log" >&2
  exit 1
fi
