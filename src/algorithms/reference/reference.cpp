// Seven plain loops with f64 sums, forward and backward. They are never optimised, because tests
// compare every other algorithm with them.
#include "algorithms/reference/reference.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "algorithms/algorithm.hpp"
#include "algorithms/reference/sums.hpp"
#include "algorithms/reference/terms.hpp"
#include "core/error_model.hpp"
#include "core/machine/cycles.hpp"
#include "core/problem/canonical_problem.hpp"
#include "core/problem/padding.hpp"
#include "core/problem/problem_rules.hpp"

namespace plait::algorithm::reference {
namespace {

// === mathematics ===
//   y[n, o, i, j] = act( sum over c, u, v of x[n, c, i*s_h + u*d_h - p_top, j*s_w + v*d_w - p_left]
//                                          * K[o, c - first channel of o's group, u, v]
//                        + bias[o] + residual[n, o, i, j] )
// The padding mode says what positions outside the input read. With dy of the shape of y, the
// gradients of sum(dy * y) without act and residual are
//   dx[n, c, row, col] = sum of dy[n, o, i, j] * K[o, c - first channel of o's group, u, v]
//                        over all (o, i, j, u, v) that read it, at its place or as padding
//   dK[o, c, u, v]     = sum over n, i, j of dy[n, o, i, j] * the x that tap (u, v) reads there
//   dbias[o]           = sum over n, i, j of dy[n, o, i, j]
// sums.hpp has the sums themselves. Source: the chapter, with the options of its surroundings.
//
// When it wins and loses, measured:
// It takes 130 times as long as the fastest for 3x3 and 350 times for 1x1 (64 -> 64
// channels at 56 pixels). It wins only where there is next to nothing to compute: it takes 0.5 of
// the time of direct/pixels for the single output of an 8x8 kernel over one channel, and 0.9 for
// four outputs of a 2x2 kernel. One thread, medians of ten alternations [Zen 4 VM, AVX-512, GCC
// 12.2, 2026-11-22].

// The magnitude and the squares, without bias and residual, of an output that a transform of tile x
// tile outputs computes from all inputs of its tile.
template <class T>
Output tile_sizes(const Problem& p, const Operands<T>& operands, std::int64_t n, std::int64_t o,
                  std::int64_t i, std::int64_t j, std::int64_t tile) {
  const Input<T> input(p, operands.x, n);
  const std::int64_t channels = p.c_i / p.groups;
  // The last tiles may extend beyond the padding, where positions have no source.
  const auto source = [&p](std::int64_t position, std::int64_t size, std::int64_t after) {
    return position < size + after ? source_position(p.padding_mode, position, size) : kOutside;
  };
  // An axis of one tap is not transformed.
  const std::int64_t tile_h = p.k_h == 1 ? 1 : tile;
  const std::int64_t tile_w = p.k_w == 1 ? 1 : tile;
  // A tile has every dilation-th output from its first one on.
  const auto first = [](std::int64_t at, std::int64_t length, std::int64_t dilation) {
    return at % dilation + at / dilation / length * length * dilation;
  };
  // These are computed once, since their divisions would be most of the work.
  const std::int64_t channel = first_channel(p, o);
  const std::int64_t first_row = first(i, tile_h, p.dilation.h) - p.padding.top;
  const std::int64_t first_col = first(j, tile_w, p.dilation.w) - p.padding.left;
  const auto x_at = [&](std::int64_t c, std::int64_t u, std::int64_t v) {
    const std::int64_t row = first_row + u * p.dilation.h;
    const std::int64_t col = first_col + v * p.dilation.w;
    return input.at(channel + c, source(row, p.h, p.padding.bottom),
                    source(col, p.w, p.padding.right));
  };
  const auto inputs = static_cast<double>((tile_h + p.k_h - 1) * (tile_w + p.k_w - 1));
  Output sizes;
  for (std::int64_t c = 0; c < channels; ++c) {
    double largest = 0;
    double x_squares = 0;
    for (std::int64_t u = 0; u < tile_h + p.k_h - 1; ++u) {
      for (std::int64_t v = 0; v < tile_w + p.k_w - 1; ++v) {
        const double x = x_at(c, u, v);
        largest = std::max(largest, std::abs(x));
        x_squares += x * x;
      }
    }
    double weights = 0;
    double weight_squares = 0;
    for (std::int64_t k = 0; k < p.k_h * p.k_w; ++k) {
      const auto weight =
          static_cast<double>(operands.kernel[(o * channels + c) * p.k_h * p.k_w + k]);
      weights += std::abs(weight);
      weight_squares += weight * weight;
    }
    sizes.magnitude += largest * weights;
    sizes.squares += x_squares / inputs * weight_squares;
  }
  return sizes;
}

}  // namespace

template <class T>
Output output_at(const Problem& p, const Operands<T>& operands, std::int64_t n, std::int64_t o,
                 std::int64_t i, std::int64_t j, std::int64_t tile) {
  Output output;
  for_each_product(p, operands.x, operands.kernel, n, o, i, j, [&](double x, double weight) {
    output.add(x * weight);
    output.magnitude += std::abs(x * weight);
    output.largest_x = std::max(output.largest_x, std::abs(x));
    output.largest_weight = std::max(output.largest_weight, std::abs(weight));
    output.weights += std::abs(weight);
  });
  if (tile > 0) {
    const Output sizes = tile_sizes(p, operands, n, o, i, j, tile);
    output.magnitude = sizes.magnitude;
    output.squares = sizes.squares;
  }
  const auto add = [&output](double term) {
    output.add(term);
    output.added += std::abs(term);
  };
  if (operands.bias != nullptr) add(static_cast<double>(operands.bias[o]));
  if (operands.residual != nullptr) {
    const Dims strides = p.effective_residual_strides();
    add(static_cast<double>(
        operands.residual[n * strides[0] + o * strides[1] + i * strides[2] + j * strides[3]]));
  }
  output.value = apply(p.activation, output.value);
  return output;
}

template Output output_at(const Problem&, const Operands<float>&, std::int64_t, std::int64_t,
                          std::int64_t, std::int64_t, std::int64_t);
template Output output_at(const Problem&, const Operands<double>&, std::int64_t, std::int64_t,
                          std::int64_t, std::int64_t, std::int64_t);

namespace {

// === config ===
// Nothing to choose.

std::string format_of(const Problem& problem) {
  return "reference " + packed_weight_text(problem) + " " + std::string(name_of(problem.dtype)) +
         (reads_bias(problem) ? " bias" : "");
}

// === accepts ===
// It takes all directions in f32 and f64 under any cap, forward with every option of the problem
// line, backward without activation and residual.
std::optional<Refusal> refuse(const Problem& problem, const Limits& limits) {
  if (problem.dtype != Dtype::f32 && problem.dtype != Dtype::f64) {
    return Refusal{"only f32 and f64, not " + std::string(name_of(problem.dtype))};
  }
  if (problem.direction != Direction::forward) {
    if (problem.activation.kind != ActivationKind::none) {
      return Refusal{"takes gradients of the convolution alone: multiply dy by the slope of " +
                     std::string(name_of(problem.activation.kind)) + " before, and leave it out"};
    }
    if (problem.residual) {
      return Refusal{"takes gradients of the convolution alone: that of the residual is dy"};
    }
    if (std::max(problem.k_h, problem.k_w) > kMostCountedTaps) {
      return Refusal{"takes gradients of kernels of at most " + std::to_string(kMostCountedTaps) +
                     " taps an axis, not " + std::to_string(std::max(problem.k_h, problem.k_w))};
    }
  }
  if (limits.tile_columns != 0) {
    return Refusal{"computes one output at a time, not " + std::to_string(limits.tile_columns)};
  }
  const std::string format = format_of(problem);
  if (!limits.packed_format.empty() && limits.packed_format != format) {
    return Refusal{"packs weights as \"" + format + "\", not \"" + limits.packed_format + "\""};
  }
  return std::nullopt;
}

// === cost ===
std::size_t packed_size(const Problem& problem) {
  const std::int64_t elements =
      element_count(problem.weight_shape()) + (reads_bias(problem) ? problem.c_o : 0);
  return static_cast<std::size_t>(elements) * size_of(problem.dtype);
}

Cost cost_of(const Problem& problem, const Limits& limits, const Machine& machine) {
  Cost cost;
  cost.multiplications = products_of(problem);
  cost.useful_multiplications = cost.multiplications;
  cost.additions = additions_of(problem, cost.multiplications);
  cost.packed_bytes = limits.prepacked ? packed_size(problem) : 0;
  cost.pack_seconds = static_cast<double>(cost.packed_bytes) / machine.rates.dram_bytes_per_second;
  const double overhead_cycles =
      costs::reference::kCyclesPerOutput / static_cast<double>(problem.depth()) +
      costs::reference::kCyclesPerOutputChannel / static_cast<double>(problem.k_h * problem.k_w);
  cost.product_seconds =
      (static_cast<double>(cost.additions) * costs::reference::kCyclesPerProduct +
       static_cast<double>(cost.multiplications) * overhead_cycles) *
      1e-9 / machine.rates.ghz;
  cost.predicted_seconds = cost.product_seconds;
  const bool f64 = problem.dtype == Dtype::f64;
  const double unit = f64 ? kUnitRoundoff64 : kUnitRoundoff;
  const double depth = most_terms(problem);
  // In f32 only the result is rounded. In f64 the sum is sequential, see chunked_sum_rms.
  cost.error_rms = kRoundingRmsShare * unit * (f64 ? std::sqrt((depth + 1) / 2) : 1.5);
  cost.error_bound = f64 ? (2 * depth + 6) * unit : unit + (depth + 6) * kUnitRoundoff64;
  cost.error_floor = flushed_floor(depth, f64 ? kSmallestNormal64 : kSmallestNormal);
  return cost;
}

// === pack ===
// pack() writes the weights as they are, then the biases.

// === run ===
// Each function returns the number of products, and returns early when the run is cancelled.
template <class T>
std::int64_t run_forward(const Problem& problem, const Args& args) {
  Operands<T> operands;
  operands.x = static_cast<const T*>(args.in);
  operands.kernel = static_cast<const T*>(args.weights());
  operands.bias = static_cast<const T*>(args.bias);
  if (args.packed != nullptr && problem.bias) {
    operands.bias = operands.kernel + element_count(problem.weight_shape());
  }
  operands.residual = static_cast<const T*>(args.residual);
  const Dims strides = problem.effective_y_strides();
  const std::int64_t h_o = problem.h_o();
  const std::int64_t w_o = problem.w_o();
  auto* y = static_cast<T*>(args.out);
  std::int64_t outputs = 0;
  for (std::int64_t n = 0; n < problem.n; ++n) {
    for (std::int64_t o = 0; o < problem.c_o; ++o) {
      for (std::int64_t i = 0; i < h_o; ++i) {
        for (std::int64_t j = 0; j < w_o; ++j) {
          if (args.cancelled()) return outputs * problem.depth();
          y[n * strides[0] + o * strides[1] + i * strides[2] + j * strides[3]] =
              static_cast<T>(output_at(problem, operands, n, o, i, j).value);
          ++outputs;
        }
      }
    }
  }
  return outputs * problem.depth();
}

template <class T>
std::int64_t run_backward_data(const Problem& problem, const Args& args) {
  const auto* dy = static_cast<const T*>(args.in);
  const auto* kernel = static_cast<const T*>(args.weights());
  const Dims strides = problem.effective_x_strides();
  auto* dx = static_cast<T*>(args.out);
  std::int64_t products = 0;
  for (std::int64_t n = 0; n < problem.n; ++n) {
    for (std::int64_t c = 0; c < problem.c_i; ++c) {
      for (std::int64_t row = 0; row < problem.h; ++row) {
        for (std::int64_t col = 0; col < problem.w; ++col) {
          if (args.cancelled()) return products;
          const Gradient<T> gradient = data_gradient(problem, dy, kernel, n, c, row, col);
          dx[n * strides[0] + c * strides[1] + row * strides[2] + col * strides[3]] =
              static_cast<T>(gradient.sum);
          products += gradient.products;
        }
      }
    }
  }
  return products;
}

template <class T>
std::int64_t run_backward_weights(const Problem& problem, const Args& args) {
  const auto* x = static_cast<const T*>(args.in);
  const auto* dy = static_cast<const T*>(args.second);
  auto* kernel = static_cast<T*>(args.out);
  const auto stop = [&args] { return args.cancelled(); };
  std::int64_t products = 0;
  for (std::int64_t o = 0; o < problem.c_o; ++o) {
    for (std::int64_t c = 0; c < problem.c_i / problem.groups; ++c) {
      for (std::int64_t u = 0; u < problem.k_h; ++u) {
        for (std::int64_t v = 0; v < problem.k_w; ++v) {
          if (args.cancelled()) return products;
          const Gradient<T> gradient = weight_gradient(problem, x, dy, o, c, u, v, stop);
          *kernel++ = static_cast<T>(gradient.sum);
          products += gradient.products;
        }
      }
    }
  }
  return products;
}

template <class T>
std::int64_t run_backward_bias(const Problem& problem, const Args& args) {
  const auto* dy = static_cast<const T*>(args.in);
  auto* bias = static_cast<T*>(args.out);
  const auto stop = [&args] { return args.cancelled(); };
  for (std::int64_t o = 0; o < problem.c_o; ++o) {
    bias[o] = static_cast<T>(bias_gradient(problem, dy, o, stop).sum);
  }
  return 0;
}

template <class T>
std::int64_t run_loops(const Problem& problem, const Args& args) {
  switch (problem.direction) {
    case Direction::forward:
      return run_forward<T>(problem, args);
    case Direction::backward_data:
      return run_backward_data<T>(problem, args);
    case Direction::backward_weights:
      return run_backward_weights<T>(problem, args);
    case Direction::backward_bias:
      break;
  }
  return run_backward_bias<T>(problem, args);
}

class Reference final : public Execution {
 public:
  explicit Reference(const Problem& problem) : problem_(problem) {}

  std::string packed_format() const override { return format_of(problem_); }

  void pack(const void* weight, const void* bias, std::byte* out) const override {
    const std::size_t size = size_of(problem_.dtype);
    const std::size_t weight_bytes =
        static_cast<std::size_t>(element_count(problem_.weight_shape())) * size;
    std::memcpy(out, weight, weight_bytes);
    if (reads_bias(problem_)) {
      std::memcpy(out + weight_bytes, bias, static_cast<std::size_t>(problem_.c_o) * size);
    }
  }

  void run(const Args& args) const override {
    const std::int64_t products = problem_.dtype == Dtype::f64 ? run_loops<double>(problem_, args)
                                                               : run_loops<float>(problem_, args);
    if (args.report != nullptr) {
      *args.report = {"reference", Target::emu128, 1, products, additions_of(problem_, products)};
    }
  }

  int threads() const override { return 1; }

 private:
  Problem problem_;
};

// === ask ===
Answer ask(const Question& question) {
  if (auto refusal = refuse(question.problem, question.limits)) return *std::move(refusal);
  const auto prepare = [](const Question& asked) {
    return std::make_unique<Reference>(asked.problem);
  };
  return Offer{cost_of(question.problem, question.limits, question.machine), prepare};
}

}  // namespace

std::span<const Algorithm> variants() {
  static const Algorithm algorithms[] = {
      {"reference", "seven plain loops with f64 sums: the oracle", ask}};
  return algorithms;
}

}  // namespace plait::algorithm::reference
