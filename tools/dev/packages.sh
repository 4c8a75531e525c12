# What is installed for ./dev: Debian's packages, and Python's into an environment of the tree's own.

# Debian 12's names. CMake is the authority on what is needed; these lists only fetch it.
build_packages=(
  ccache cmake fonts-dejavu-core g++ libbenchmark-dev libcairo2-dev libcli11-dev
  libeigen3-dev libexif-dev libfmt-dev libfontconfig1 libgtest-dev libhwy-dev libjpeg-dev
  libpng-dev libtbb-dev ninja-build nlohmann-json3-dev pkg-config
)
python_packages=(python3-dev python3-venv)
check_packages=(binutils clang-format clang-tidy python3)
docs_packages=(doxygen python3)
clang_packages=(clang libclang-rt-14-dev)  # Debian 12's clang is 14
package_packages=(dpkg-dev file)

need_packages() {
  if ! command -v apt-get >/dev/null; then
    need_tools
    return
  fi
  local package missing=()
  for package in "$@"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
      missing+=("$package")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 -o Dpkg::Use-Pty=0)
  if [[ $EUID -ne 0 ]]; then
    # Without a terminal nobody can type a password.
    if command -v sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
      apt=(sudo "${apt[@]}")
    else
      die "packages are missing and this user cannot install them; as root, run:
  apt-get install --no-install-recommends ${missing[*]}"
    fi
  fi
  run "${apt[@]}" update -qq || say "apt-get update failed; trying with the lists at hand"
  run "${apt[@]}" install -qq -y --no-install-recommends "${missing[@]}" >/dev/null ||
    die "apt-get could not install: ${missing[*]}
  What it said is above. If it could not reach Debian's packages, mend the network or
  /etc/apt/sources.list and run the same command again; on another system install their like by hand."
}

# Without apt-get: name what to install, and stop only if the build cannot even be configured.
need_tools() {
  local tool missing=()
  for tool in c++ cmake ninja pkg-config; do
    command -v "$tool" >/dev/null || missing+=("$tool")
  done
  say "no apt-get here, so nothing is installed for you. plait needs a C++20 compiler, cmake >= 3.25,
  ninja, pkg-config and the libraries Highway >= 1.0.3, Eigen >= 3.4, libpng, libjpeg, libexif,
  cairo, fontconfig with a font, CLI11, fmt, nlohmann-json, GoogleTest, Google Benchmark; charts
  Python with matplotlib; two examples OpenMP, one oneTBB, without which they are
  left out; ./dev test, wheel, bench and check also Python >= 3.10 with its headers and venv, ./dev
  check clang-format and clang-tidy; ./dev fuzz and ./dev test --full need clang with libFuzzer,
  ./dev docs doxygen and python3, ./dev mutate python3."
  [[ ${#missing[@]} -eq 0 ]] || die "not found: ${missing[*]}"
}

venv=build/venv
pip() { run "$venv/bin/pip" --quiet --disable-pip-version-check "$@"; }

venv_cure="pip reads PyPI: where there is a proxy or a mirror, set HTTPS_PROXY or PIP_INDEX_URL. Half
  an environment may be left: rm -r build/venv, and run the same command again."

# Python's tools at the versions in tests/python, in an environment of the tree's own.
python_tools() {
  local requirements=$1
  [[ -x $venv/bin/pip ]] || run "${python:-python3}" -m venv "$venv" || return
  pip install -r "tests/python/$requirements"
}
