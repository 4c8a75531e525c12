#!/usr/bin/env bash
# usage: consumers.sh PREFIX: builds the consumers of this folder outside the tree against the plait
# installed below PREFIX, runs them, and looks at what they print.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
prefix=$(readlink -f "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here"/{CMakeLists.txt,consumer.cpp,consumer.c} "$work"
cd "$work"

fail() { echo "$@"; exit 1; }
quietly() { "$@" >log 2>&1 || { cat log; fail "failed: $*"; }; }
prints() {
  local program=$1 text=$2 printed
  printed=$("./$program") || fail "$program failed: $printed"
  [[ $printed == *"$text"* ]] || fail "$program printed: $printed; not: $text"
}
loads_plait() { [[ $(ldd "$1") == *"libplait${2-}.so."*" => $prefix/"* ]]; }

quietly cmake -S . -B build -G Ninja -DCMAKE_PREFIX_PATH="$prefix"
quietly cmake --build build
for program in build/consumer build/consumer_static; do
  prints $program "19 25 37 43 1 2 1 1 and an error: "
done
loads_plait build/consumer && loads_plait build/consumer _rewrite || fail "the C++ consumer does not load $prefix/.../libplait*.so"
if ldd build/consumer_static | grep libplait; then fail "the static C++ consumer loads the above"; fi

PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name plait.pc)")
export PKG_CONFIG_PATH
read -ra flags < <(pkg-config --cflags --libs plait_rewrite)
quietly c++ -std=c++20 consumer.cpp "${flags[@]}" -o consumer
LD_LIBRARY_PATH=$(pkg-config --variable=libdir plait)
export LD_LIBRARY_PATH
prints consumer "19 25 37 43 1 2 1 1 and an error: "
read -ra flags < <(pkg-config --cflags --libs plait)
quietly cc -std=c99 -Wall -Wextra -pedantic -Werror consumer.c "${flags[@]}" -o consumer
prints consumer "19 25 37 43"
loads_plait consumer || fail "the C consumer does not load $prefix/.../libplait.so"
echo "consumers: ok"
