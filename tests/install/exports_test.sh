#!/usr/bin/env bash
# usage: exports_test.sh SHARED STATIC INCLUDE_DIR: the shared library exports what its public
# headers mark PLAIT_API, all of it and nothing else, and no public function lacks the mark. Headers
# in plait/rewrite/ are those of libplait_rewrite, all others those of libplait.
set -euo pipefail
shared=$1 static=$2 headers=$3

# The symbols that a library defines, as what stands behind plait:: (a class, a function or, where
# it should not be, an inner namespace); plait_* and foreign names as they are.
names() {
  nm -C --defined-only "$@" | sed -nE '
    s/^[0-9a-f]{16} ([A-Zu]) /\1 /
    T
    s/ (typeinfo|typeinfo name|vtable) for / /
    s/::operator plait.*//
    s/^(. )[^(]* (plait::[^ ]+\()/\1\2/  # a template function starts with what it returns
    s/ plait::(operator[^(]+|\w+).*/ \1/
    s/\[abi:cxx11\]//
    p' | sort -u
}
code() { find "$headers/plait" -name '*.h*' "$@" -exec sed 's|//.*||; /^#/d' {} +; }
marks() {
  tr '\n' ' ' | grep -oP \
    '(class|struct) PLAIT_API \K\w+|PLAIT_API [^(;{]*?\K(operator[^(\w]+|\w+)(?=\()' | sort -u
}
own=(-path '*/plait/rewrite/*')
[[ $(basename "$shared") == libplait_rewrite.* ]] || own=(-not "${own[@]}")
marked=$(code "${own[@]}" | marks)
functions=$(code "${own[@]}" | grep -oP '^\w.*?\b\K\w+(?=\()' | sort -u)
# libplait_rewrite has weak copies of libplait's templates and inline members, no function of its own.
exported=$(names -D "$shared" | cut -d' ' -f2- | sort -u)
weak=$(comm -12 <(names -D "$shared" | sed -n 's/^[^T] //p' | sort -u) <(code | marks))
defined=$(names "$static" | sed -n 's/^T //p' | sort -u)  # W: inline in a header, or a template

report() {
  [[ -z $2 ]] || { printf '%s:\n%s\n' "$1" "$2"; exit 1; }
}
[[ -n $marked && -n $exported && -n $defined ]] || report "found no names" "$shared $static $headers"
report "exported, but not marked PLAIT_API" "$(comm -13 <(sort -u <<<"$marked"$'\n'"$weak") <(echo "$exported"))"
report "marked PLAIT_API, but not exported" "$(comm -23 <(echo "$marked") <(echo "$exported"))"
report "public, but not marked PLAIT_API" \
  "$(comm -12 <(echo "$functions") <(echo "$defined") | comm -23 - <(echo "$marked"))"
echo "exports: ok, $(wc -l <<<"$marked") names"
