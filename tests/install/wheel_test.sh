#!/usr/bin/env bash
# wheel_test.sh PYTHON WHEEL: installs the wheel into a fresh environment and uses it there, with the
# system's Highway out of sight.
set -euo pipefail
python=$1
wheel=$2
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
most_bytes=5000000

bytes=$(stat -c %s "$wheel")
echo "$(basename "$wheel"): $bytes bytes"
[[ $bytes -lt $most_bytes ]] || { echo "the wheel is larger than $most_bytes bytes" >&2; exit 1; }

env=$(mktemp -d)
trap 'rm -rf "$env"' EXIT
"$python" -m venv "$env"
"$env/bin/pip" --quiet --disable-pip-version-check install "$wheel"
cd "$env"  # away from the sources

# In a mount namespace of its own, as root or as root of a user namespace.
namespace=()
for try in "unshare --mount" "unshare --user --map-root-user --mount"; do
  if $try true 2>/dev/null; then
    read -ra namespace <<<"$try"
    break
  fi
done
[[ ${#namespace[@]} -gt 0 ]] || { echo "cannot hide the system's libhwy.so: no mount namespace" >&2; exit 1; }
# shellcheck disable=SC2016  # expanded inside
"${namespace[@]}" bash -euc '
  for library in $(ldconfig -p | sed -n "s/.*=> \(.*libhwy\.so.*\)/\1/p"); do
    mount --bind /dev/null "$(readlink -f "$library")"
  done
  exec "$@"
' hidden "$env/bin/python" "$here/wheel_check.py"
