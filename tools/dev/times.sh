# ./dev times: what README and help say of the commands' times, measured again.

# As somebody has it who has just cloned the tree: nothing built, and nothing in the compile cache.
# Packages are there before, as downloads are another matter. The lines stand in README.md and in
# ./dev help.
times() {
  local full=false where=build/times log size
  [[ ${1-} == --full ]] && full=true && shift
  no_more "$@"
  need_packages "${build_packages[@]}" "${python_packages[@]}"
  if $full; then
    need_packages "${clang_packages[@]}" "${check_packages[@]}"
  fi
  log=$PWD/$where/log
  run rm -rf "$where" && mkdir -p "$where" || die "cannot empty $where"
  run git clone --quiet . "$where/plait" || die "cannot clone the tree"
  [[ -z $(git status --porcelain) ]] || say "what is not committed is not in the clone"
  export CCACHE_DIR=$PWD/$where/ccache
  printf '%s, %s cores, %s, %s\n' "$(sed -n 's/^model name[^:]*: //p;T;q' /proc/cpuinfo)" "$(nproc)" \
    "$(c++ --version | head -n 1)" "$(date +%F)"
  cd "$where/plait"
  timed "./dev demo" ./dev demo
  timed "cmake --install, after it" cmake --install build/release --prefix "$PWD/../prefix"
  timed "./dev demo, again" ./dev demo
  timed "./dev test, after it" ./dev test
  timed "./dev test, again" ./dev test
  CCACHE_DIR=$PWD/../empty timed "pip install ." pip_install
  du -sb ../pip/lib/python3*/site-packages/plait |
    awk '{ printf "%7.2f MB  the installed Python package\n", $1 / 1e6 }'
  if $full; then
    cd .. && git clone --quiet plait ci && cd ci
    CCACHE_DIR=$PWD/../empty_ci timed ".ci/run" .ci/run
  fi
}

pip_install() {
  "${python:-python3}" -m venv ../pip && ../pip/bin/pip --quiet install .
}

timed() {
  local name=$1 from=$EPOCHREALTIME
  shift
  "$@" >>"$log" 2>&1 </dev/null || die "$name failed; what it printed is in $log"
  printf '%s %s\n' "$from" "$EPOCHREALTIME" | awk -v name="$name" '{
    s = $2 - $1; printf "%5d:%04.1f    %s\n", s / 60, s % 60, name }'
}
