#include "core/machine/target.hpp"

#include <plait/error.hpp>

#include <hwy/targets.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>

#include "core/refuse.hpp"

namespace plait {
namespace {

struct TargetRow {
  Target target;
  std::string_view name;
  int lanes;  // of f32
  bool fused_multiply_add;
  std::int64_t highway;  // its bit in Highway's sets; 0: always built, and runs on every CPU
};

#if HWY_ARCH_X86
constexpr std::int64_t kSse4 = HWY_SSE4, kAvx2 = HWY_AVX2, kAvx3 = HWY_AVX3;
#else
constexpr std::int64_t kSse4 = -1, kAvx2 = -1, kAvx3 = -1;  // never supported
#endif

constexpr std::array<TargetRow, 4> kTargets = {{
    {Target::emu128, "EMU128", 4, false, 0},
    {Target::sse4, "SSE4", 4, false, kSse4},
    {Target::avx2, "AVX2", 8, true, kAvx2},
    {Target::avx3, "AVX3", 16, true, kAvx3},
}};

const TargetRow& row_of(Target target) { return kTargets.at(static_cast<std::size_t>(target)); }

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return result;
}

std::string names_of(const std::vector<Target>& targets) {
  std::string names;
  for (const Target target : targets) {
    if (!names.empty()) names += ", ";
    names += name_of(target);
  }
  return names;
}

}  // namespace

std::string_view name_of(Target target) { return row_of(target).name; }

int lanes_of(Target target) { return row_of(target).lanes; }

bool has_fused_multiply_add(Target target) { return row_of(target).fused_multiply_add; }

Target parse_target(std::string_view name) {
  const std::string wanted = upper(name);
  std::vector<Target> known;
  for (const TargetRow& row : kTargets) {
    if (row.name == wanted) return row.target;
    known.push_back(row.target);
  }
  refuse("unknown target \"" + std::string(name) + "\"; known are " + names_of(known));
}

std::vector<Target> targets_of_cpu() {
  const std::int64_t supported = hwy::SupportedTargets() & HWY_TARGETS;
  std::vector<Target> targets;
  for (const TargetRow& row : kTargets) {
    if ((row.highway & ~supported) == 0) targets.push_back(row.target);
  }
  return targets;
}

Target choose_target(const std::vector<Target>& available, const char* forced) {
  if (forced == nullptr || *forced == '\0') return available.back();
  const Target target = parse_target(forced);
  if (std::find(available.begin(), available.end(), target) == available.end()) {
    throw Error(Status::unsupported, "PLAIT_FORCE_TARGET=" + std::string(forced) +
                                         ": this CPU runs only " + names_of(available));
  }
  return target;
}

}  // namespace plait
