#!/usr/bin/env bash
# usage: without_eigen_test.sh SOURCE COMPILER: configures the engine and what folds and composes
# layers where CMake finds no Eigen, and compiles the latter.
set -euo pipefail
source=$1 compiler=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log"; echo "failed: $*"; exit 1; }; }

alone=(-DPLAIT_CLI=OFF -DPLAIT_TESTS=OFF -DPLAIT_BENCH=OFF -DCMAKE_DISABLE_FIND_PACKAGE_Eigen3=ON)
quietly cmake -S "$source" -B "$work" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" \
  -DCMAKE_CXX_FLAGS_RELEASE=-O0 -DPLAIT_FACTORING=OFF "${alone[@]}"
quietly cmake --build "$work" --target plait_rewrite_objects
defined=$(find "$work" -name '*.o' -exec nm -C --defined-only {} + )
for function in compose fold_batch_norm fold_pointwise merge_branches run_layers; do
  [[ $defined == *" plait::$function<float>("* ]] || { echo "no $function"; exit 1; }
done
[[ $defined != *"plait::decompose<float>("* ]] || { echo "decompose is there"; exit 1; }
echo "without Eigen: ok"
