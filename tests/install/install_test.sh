#!/usr/bin/env bash
# usage: install_test.sh BUILD SOURCE: installs the build, checks that nothing installed names a
# folder of this machine, moves it, and lets the consumers build against it.
set -euo pipefail
build=$1 source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/staged" >/dev/null
cd "$work/staged"
for path in "$build" "$source" "$work"; do
  ! grep -rIlF "$path" . || { echo "the files above name $path"; exit 1; }
done
while read -r binary; do
  ! readelf -d "$binary" | grep -E 'R(UN)?PATH' || { echo "$binary looks there"; exit 1; }
done < <(find . -name 'libplait.so*' -o -path '*/bin/*' -type f)

mv "$work/staged" "$work/moved"
"$source/tests/install/consumers.sh" "$work/moved"
