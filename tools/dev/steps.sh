# What the commands of ./dev are made of: words to the user, and steps that are timed.

say() { printf 'dev: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }
misuse() { say "$*; see ./dev help"; exit 2; }
no_more() { [[ $# -eq 0 ]] || misuse "unexpected argument '$1'"; }
run() {
  local shown
  printf -v shown ' %q' "$@"
  printf '+%s\n' "$shown" >&2
  "$@"
}

step_times=()
failed_steps=()

# step NAME CURE COMMAND...: runs the command, notes its time and, where it fails, says what helps.
# A command here is called from a condition, where `set -e` does not hold: join its parts by &&.
step() {
  local name=$1 cure=$2 from=$SECONDS status=0
  shift 2
  "$@" || status=$?
  step_times+=("$(printf '%5d s  %s' $((SECONDS - from)) "$name")")
  [[ $status -ne 0 ]] || return 0
  failed_steps+=("$name")
  say "$name failed. $cure"
  return "$status"
}

# The times of the steps so far; ends with an error if one of them failed.
end_steps() {
  printf 'dev: times\n' >&2
  printf '%s\n' "${step_times[@]}" >&2
  [[ ${#failed_steps[@]} -eq 0 ]] || die "failed: $(printf '%s; ' "${failed_steps[@]}" | sed 's/; $//')"
}
