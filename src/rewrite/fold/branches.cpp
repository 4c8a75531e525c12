// Branches that read the same x as one layer: their taps are laid over each other by their offsets.
#include <algorithm>
#include <numeric>
#include <string>

#include <plait/rewrite/fold.hpp>

#include "core/refuse.hpp"
#include "core/values.hpp"
#include "rewrite/layer_rules.hpp"

namespace plait {
namespace {

// Where the taps of a layer stand along an axis, relative to i s: first, first + step, ... last.
struct Taps {
  std::int64_t first = 0;  // -p_top
  std::int64_t last = 0;   // d (k - 1) - p_top
  std::int64_t step = 0;   // 0: one tap
  std::int64_t spare = 0;  // p_top + p_bottom - d (k - 1): decides the size of y
};

Taps taps_of(std::int64_t taps, std::int64_t dilation, std::int64_t before, std::int64_t after) {
  const std::int64_t reach = dilation * (taps - 1);
  return {-before, reach - before, taps == 1 ? 0 : dilation, before + after - reach};
}

template <class T>
Taps rows_of(const ConvLayer<T>& layer) {
  return taps_of(layer.kernel.size(2), layer.dilation.h, layer.padding.top, layer.padding.bottom);
}

template <class T>
Taps columns_of(const ConvLayer<T>& layer) {
  return taps_of(layer.kernel.size(3), layer.dilation.w, layer.padding.left, layer.padding.right);
}

// The fewest evenly spaced taps that stand wherever one of both does.
Taps joined(const Taps& a, const Taps& b) {
  return {std::min(a.first, b.first), std::max(a.last, b.last),
          std::gcd(std::gcd(a.step, b.step), b.first - a.first), a.spare};
}

std::int64_t count_of(const Taps& taps) {
  return taps.step == 0 ? 1 : (taps.last - taps.first) / taps.step + 1;
}

std::string name_of_branch(std::size_t index) { return "branch " + std::to_string(index); }

template <class T>
std::string window_text(const ConvLayer<T>& layer) {
  return " (kernel " + to_string(layer.kernel.shape()) + ", padding " + sides_text(layer.padding) +
         ", dilation " + pair_text(layer.dilation) + ")";
}

[[noreturn]] void refuse_pair(const std::string& rule, const std::string& first, std::size_t index,
                              const std::string& other) {
  refuse(rule + " but branch 0 has " + first + " and " + name_of_branch(index) + " " + other);
}

template <class T>
void check_spare(const char* formula, const ConvLayer<T>& first, std::int64_t first_spare,
                 std::size_t index, const ConvLayer<T>& other, std::int64_t spare) {
  if (first_spare == spare) return;
  refuse_pair(
      std::string("the outputs of branches must have one size for every x, which takes one ") +
          formula + ",",
      std::to_string(first_spare) + window_text(first), index,
      std::to_string(spare) + window_text(other));
}

template <class T>
void check_beside_first(const Layers<T>& branches, std::size_t index) {
  const ConvLayer<T>& first = branches[0];
  const ConvLayer<T>& branch = branches[index];
  if (rewrite::input_channels(first) != rewrite::input_channels(branch)) {
    const auto text = [](const ConvLayer<T>& layer) {
      return std::to_string(rewrite::input_channels(layer)) + " (kernel " +
             to_string(layer.kernel.shape()) + ", groups " + std::to_string(layer.groups) + ")";
    };
    refuse_pair("branches must read the same number of channels", text(first), index, text(branch));
  }
  if (first.stride != branch.stride) {
    refuse_pair("branches must have one stride", pair_text(first.stride), index,
                pair_text(branch.stride));
  }
  if (first.reads != branch.reads) {
    refuse("branches must read the same channels of x but branch 0 and " + name_of_branch(index) +
           " have other reads");
  }
  check_spare("p_top + p_bottom - d_h (k_h - 1)", first, rows_of(first).spare, index, branch,
              rows_of(branch).spare);
  check_spare("p_left + p_right - d_w (k_w - 1)", first, columns_of(first).spare, index, branch,
              columns_of(branch).spare);
}

template <class T>
void check_branches(const Layers<T>& branches) {
  if (branches.empty()) refuse("there must be at least one branch");
  for (std::size_t i = 0; i < branches.size(); ++i) {
    rewrite::check_layer(name_of_branch(i), branches[i]);
    check_beside_first(branches, i);
  }
}

// The sum of branches, in f64: the weights of a layer in `groups` groups that has a tap wherever a
// branch has one.
template <class T>
class Sum {
 public:
  Sum(const Layers<T>& branches, std::int64_t c_o, std::int64_t groups)
      : first_(branches[0]), groups_(groups), rows_(rows_of(first_)), columns_(columns_of(first_)) {
    for (const ConvLayer<T>& branch : branches) {
      rows_ = joined(rows_, rows_of(branch));
      columns_ = joined(columns_, columns_of(branch));
      has_bias_ = has_bias_ || branch.bias.size() != 0;
    }
    kernel_ = Tensor<double>(
        {c_o, rewrite::input_channels(first_) / groups, count_of(rows_), count_of(columns_)});
    bias_ = Tensor<double>({has_bias_ ? c_o : 0});
  }

  // The branch's first output channel is added to channel `to` of the sum.
  void add(const ConvLayer<T>& branch, std::int64_t to) {
    const Dims shape = branch.kernel.shape();
    const std::int64_t per_group = shape[0] / branch.groups;
    for (std::int64_t o = 0; o < shape[0]; ++o) {
      for (std::int64_t c = 0; c < shape[1]; ++c) {
        const std::int64_t channel = o / per_group * shape[1] + c;
        add_taps(branch, o, c, to + o, channel % kernel_.size(1));
      }
      if (branch.bias.size() != 0) bias_(to + o) += double{branch.bias(o)};
    }
  }

  ConvLayer<T> layer() const {
    return {.kernel = rewrite::rounded<T>("kernel", kernel_),
            .bias = has_bias_ ? rewrite::rounded<T>("bias", bias_) : Tensor<T>(),
            .stride = first_.stride,
            .padding = {-rows_.first, rows_.last + rows_.spare, -columns_.first,
                        columns_.last + columns_.spare},
            .dilation = {std::max<std::int64_t>(rows_.step, 1),
                         std::max<std::int64_t>(columns_.step, 1)},
            .groups = groups_,
            .reads = first_.reads};
  }

 private:
  void add_taps(const ConvLayer<T>& branch, std::int64_t o, std::int64_t c, std::int64_t to_o,
                std::int64_t to_c) {
    const Dims shape = branch.kernel.shape();
    const Dims sums = kernel_.shape();
    const T* from = branch.kernel.data() + (o * shape[1] + c) * shape[2] * shape[3];
    double* to = kernel_.data() + (to_o * sums[1] + to_c) * sums[2] * sums[3];
    for (std::int64_t u = 0; u < shape[2]; ++u) {
      const std::int64_t row = place(rows_, u * branch.dilation.h - branch.padding.top);
      for (std::int64_t v = 0; v < shape[3]; ++v) {
        const std::int64_t column = place(columns_, v * branch.dilation.w - branch.padding.left);
        to[row * sums[3] + column] += double{*from++};
      }
    }
  }

  static std::int64_t place(const Taps& taps, std::int64_t offset) {
    return taps.step == 0 ? 0 : (offset - taps.first) / taps.step;
  }

  const ConvLayer<T>& first_;
  std::int64_t groups_;
  Taps rows_, columns_;
  bool has_bias_ = false;
  Tensor<double> kernel_, bias_;
};

}  // namespace

template <class T>
ConvLayer<T> merge_branches(const Layers<T>& branches) {
  check_branches(branches);
  const ConvLayer<T>& first = branches[0];
  std::int64_t groups = 0;
  for (std::size_t i = 0; i < branches.size(); ++i) {
    const ConvLayer<T>& branch = branches[i];
    if (branch.kernel.size(0) != first.kernel.size(0)) {
      refuse_pair("branches whose outputs are added must have one number of output channels",
                  std::to_string(first.kernel.size(0)), i, std::to_string(branch.kernel.size(0)));
    }
    if (branch.writes != first.writes || branch.y_channels != first.y_channels) {
      refuse("branches must write the same channels of y but branch 0 and " + name_of_branch(i) +
             " have other writes");
    }
    groups = std::gcd(groups, branch.groups);
  }
  Sum<T> sum(branches, first.kernel.size(0), groups);
  for (const ConvLayer<T>& branch : branches) sum.add(branch, 0);
  ConvLayer<T> merged = sum.layer();
  merged.writes = first.writes;
  merged.y_channels = first.y_channels;
  return merged;
}

template <class T>
ConvLayer<T> concatenate_branches(const Layers<T>& branches) {
  check_branches(branches);
  std::int64_t c_o = 0;
  for (std::size_t i = 0; i < branches.size(); ++i) {
    if (!branches[i].writes.empty()) {
      refuse("branches that are concatenated must write all their channels but " +
             name_of_branch(i) + " has writes");
    }
    c_o += branches[i].kernel.size(0);
  }
  Sum<T> sum(branches, c_o, 1);
  std::int64_t to = 0;
  for (const ConvLayer<T>& branch : branches) {
    sum.add(branch, to);
    to += branch.kernel.size(0);
  }
  return sum.layer();
}

#define PLAIT_INSTANTIATE(T)                              \
  template ConvLayer<T> merge_branches(const Layers<T>&); \
  template ConvLayer<T> concatenate_branches(const Layers<T>&);
PLAIT_INSTANTIATE(float)
PLAIT_INSTANTIATE(double)
#undef PLAIT_INSTANTIATE

}  // namespace plait
