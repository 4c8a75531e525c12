#include "options/weight_layout.hpp"

#include <algorithm>
#include <string>

#include "app/fail.hpp"

namespace plait::cli {
namespace {

constexpr std::int64_t kLong = 8;
constexpr std::int64_t kUsualTaps = 31;

// Whether one of two axes is far longer than the other.
bool is_long(std::int64_t a, std::int64_t b) { return std::max(a, b) > kLong * std::min(a, b); }

}  // namespace

bool fits_as_hwio(const Dims& weight, std::int64_t channels, std::int64_t groups) {
  const int rank = weight.rank();
  if ((rank != 3 && rank != 4) || groups < 1 || element_count(weight) == 0) return false;
  return weight[rank - 2] * groups == channels && weight[rank - 1] % groups == 0;
}

void check_weight_layout(const Dims& weight, std::int64_t channels, std::int64_t groups,
                         bool channels_last) {
  if (!fits_as_hwio(weight, channels, groups)) return;
  const int rank = weight.rank();
  const bool fits_oihw = weight[1] * groups == channels && weight[0] % groups == 0;
  const std::string oihw = rank == 4 ? "oihw" : "oil";
  const std::string hwio = rank == 4 ? "hwio" : "lio";
  const auto refuse = [&](const std::string& text) {
    fail("weight " + to_string(weight) + " " + text);
  };
  const std::int64_t k_h = weight[0];
  const std::int64_t k_w = rank == 4 ? weight[1] : 1;
  const bool usual_hwio = std::max(k_h, k_w) <= kUsualTaps && (rank == 3 || !is_long(k_h, k_w));
  const bool plain_taps = k_h == k_w || k_h == 1 || k_w == 1;
  if (!fits_oihw && usual_hwio && plain_taps && weight[rank - 1] > std::max(k_h, k_w)) {
    refuse("does not fit an input of " + std::to_string(channels) + " channels as " +
           (rank == 4 ? "c_o x c_i/groups x k_h x k_w" : "c_o x c_i/groups x k") + ": is it " +
           hwio + "? pass weight_layout=\"" + hwio + "\"");
  }
  const bool long_oihw = rank == 4 ? is_long(weight[2], weight[3]) : weight[2] > kLong * weight[0];
  if (channels_last && long_oihw && usual_hwio) {
    refuse("is legal as " + oihw + " and as " + hwio + ": say which by weight_layout=\"" + hwio +
           "\" or weight_layout=\"" + oihw + "\"");
  }
}

}  // namespace plait::cli
