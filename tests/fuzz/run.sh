#!/usr/bin/env bash
# Runs the fuzzers that the preset `fuzz` has built side by side, SECONDS each, from the seeds and
# from what earlier runs have found (build/fuzz/corpus). Fails if one finds a crash.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
seconds=$1
readers=(problem_line npy image machine)
declare -A max_len=([problem_line]=200 [npy]=512 [image]=2048 [machine]=1024)  # bytes; seeds are all shorter
build=build/asan-ubsan/tests/fuzz
out=build/fuzz
mkdir -p "$out/crashes" "$out/problems"

# The public layer sets are seeds too, one line a file.
grep -hv -e '^ *#' -e '^ *$' bench/problems/*.txt | split -l 1 -a 4 - "$out/problems/"

fuzz() {
  local reader=$1 seeds=("tests/fuzz/seeds/$1")
  [[ $reader != problem_line ]] || seeds+=("$out/problems")
  mkdir -p "$out/corpus/$reader"
  UBSAN_OPTIONS=print_stacktrace=1 "$build/${reader}_fuzz" \
    "$out/corpus/$reader" "${seeds[@]}" -dict="tests/fuzz/dictionaries/$reader.dict" \
    -max_len="${max_len[$reader]}" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -malloc_limit_mb=64 -print_final_stats=1 -artifact_prefix="$out/crashes/$reader-" \
    >"$out/$reader.log" 2>&1
}

# One line per reader; for a crash also what broke and how to see it again.
report() {
  local reader=$1 crashes=$2 log=$out/$1.log edges input
  edges=$(grep -ao ' cov: [0-9]*' "$log" | tail -n 1 | tr -dc 0-9 || true)
  printf '%-12s  %s executions, %s coverage edges, %s inputs in the corpus, crashes: %s\n' \
    "$reader" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" \
    "${edges:-0}" \
    "$(find "$out/corpus/$reader" -type f | wc -l)" "$crashes"
  [[ $crashes -gt 0 ]] || return 0
  # With the input's bytes, which a machine that is gone does not keep.
  grep -aE 'broken promise|runtime error|ERROR|SUMMARY|terminate called|what\(\)|^Base64' "$log" |
    sed 's/^/  /' || tail -n 5 "$log"
  input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
  printf '  log: %s\n' "$log"
  [[ -z $input ]] || printf '  replay: %s %s\n' "$build/${reader}_fuzz" "$input"
}

pids=()
for reader in "${readers[@]}"; do
  fuzz "$reader" &
  pids+=($!)
done
trap 'kill "${pids[@]}" 2>/dev/null || true' INT TERM
failed=0
for i in "${!readers[@]}"; do
  crashes=0
  wait "${pids[$i]}" || crashes=1
  report "${readers[$i]}" "$crashes"
  failed=$((failed + crashes))
done
exit $((failed > 0))
