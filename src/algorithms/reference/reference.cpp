// Seven plain loops with f64 sums. Never optimised: this is what every other room is held against.
#include "algorithms/reference/reference.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/algorithm.hpp"
#include "core/error_model.hpp"

namespace plait::reference {
namespace {

// === mathematics ===
//   y[n, o, i, j] = act( sum over c, u, v of x[n, c, i*s_h + u*d_h - p_top, j*s_w + v*d_w - p_left]
//                                          * K[o, c - first channel of o's group, u, v]
//                        + bias[o] + residual[n, o, i, j] )
// Positions outside the input are filled as the padding mode says. Source: the chapter, with the
// options of its surroundings.
//
// When it wins and loses, measured:
// It takes 130 times as long as the fastest room for 3x3, 350 times for 1x1 (64 -> 64 channels at
// 56 pixels), and wins only where there is next to nothing to compute: 0.5 of strips' time for the
// single output of an 8x8 kernel over one channel, 0.9 for four outputs of a 2x2 kernel. One
// thread, medians of ten alternations [Zen 4 VM, AVX-512, GCC 12.2, 2026-11-22].

constexpr std::int64_t kOutside = -1;

// The input position that stands for `position` on an axis of `size`, or kOutside for a fill value.
std::int64_t source_position(PaddingMode mode, std::int64_t position, std::int64_t size) {
  if (position >= 0 && position < size) return position;
  switch (mode) {
    case PaddingMode::reflect:  // ... 2 1 | 0 1 2 ...: the border itself is not repeated
      return position < 0 ? -position : 2 * (size - 1) - position;
    case PaddingMode::replicate:
      return position < 0 ? 0 : size - 1;
    case PaddingMode::circular:
      return (position % size + size) % size;
    case PaddingMode::zeros:
    case PaddingMode::constant:
      break;
  }
  return kOutside;
}

// What image n shows to output channel o: the input channels of its group, and what stands outside.
template <class T>
class Input {
 public:
  Input(const Problem& p, const T* x, std::int64_t n, std::int64_t o)
      : strides_(p.effective_x_strides()),
        first_(x + n * strides_[0] + o / (p.c_o / p.groups) * (p.c_i / p.groups) * strides_[1]),
        fill_(p.padding_mode == PaddingMode::constant ? p.padding_value : 0) {}

  // Of channel c of the group; row and column as source_position() gives them.
  double at(std::int64_t c, std::int64_t row, std::int64_t column) const {
    if (row == kOutside || column == kOutside) return fill_;
    return static_cast<double>(first_[c * strides_[1] + row * strides_[2] + column * strides_[3]]);
  }

 private:
  Dims strides_;
  const T* first_;
  double fill_;
};

// Magnitude and squares of an output that a tile x tile transform computes from inputs of the whole
// tile, without bias and residual.
template <class T>
Output tile_sizes(const Problem& p, const Operands<T>& operands, std::int64_t n, std::int64_t o,
                  std::int64_t i, std::int64_t j, std::int64_t tile) {
  const Input<T> input(p, operands.x, n, o);
  const std::int64_t channels = p.c_i / p.groups;
  // Beyond the padding, where the last tiles may reach, is what stands outside.
  const auto source = [&p](std::int64_t position, std::int64_t size, std::int64_t after) {
    return position < size + after ? source_position(p.padding_mode, position, size) : kOutside;
  };
  // An axis of one tap is not transformed.
  const std::int64_t tile_h = p.k_h == 1 ? 1 : tile;
  const std::int64_t tile_w = p.k_w == 1 ? 1 : tile;
  // A tile holds every dilation-th output from its first one on.
  const auto first = [](std::int64_t at, std::int64_t length, std::int64_t dilation) {
    return at % dilation + at / dilation / length * length * dilation;
  };
  const auto x_at = [&](std::int64_t c, std::int64_t u, std::int64_t v) {
    const std::int64_t row = first(i, tile_h, p.dilation.h) + u * p.dilation.h - p.padding.top;
    const std::int64_t col = first(j, tile_w, p.dilation.w) + v * p.dilation.w - p.padding.left;
    return input.at(c, source(row, p.h, p.padding.bottom), source(col, p.w, p.padding.right));
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
  const Input<T> input(p, operands.x, n, o);
  const std::int64_t channels = p.c_i / p.groups;
  Output output;
  auto add = [&output](double term) {
    output.value += term;
    output.magnitude += std::abs(term);
    output.squares += term * term;
  };
  for (std::int64_t c = 0; c < channels; ++c) {
    for (std::int64_t u = 0; u < p.k_h; ++u) {
      const std::int64_t row =
          source_position(p.padding_mode, i * p.stride.h + u * p.dilation.h - p.padding.top, p.h);
      for (std::int64_t v = 0; v < p.k_w; ++v) {
        const std::int64_t col = source_position(
            p.padding_mode, j * p.stride.w + v * p.dilation.w - p.padding.left, p.w);
        const auto weight =
            static_cast<double>(operands.kernel[((o * channels + c) * p.k_h + u) * p.k_w + v]);
        add(input.at(c, row, col) * weight);
      }
    }
  }
  if (tile > 0) {
    const Output sizes = tile_sizes(p, operands, n, o, i, j, tile);
    output.magnitude = sizes.magnitude;
    output.squares = sizes.squares;
  }
  if (operands.bias != nullptr) {
    add(static_cast<double>(operands.bias[o]));
  }
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
  return "reference " + to_string(problem.kernel_shape()) + " g" + std::to_string(problem.groups) +
         " " + std::string(name_of(problem.dtype)) + (problem.bias ? " bias" : "");
}

// === accepts ===
// The forward direction in f32 and f64, with every option of the problem line, under any cap.
Verdict accepts(const Problem& problem, const Limits& limits, const Machine& /*machine*/) {
  if (problem.direction != Direction::forward) {
    return Verdict::no("only the forward direction, not " +
                       std::string(name_of(problem.direction)));
  }
  if (problem.dtype != Dtype::f32 && problem.dtype != Dtype::f64) {
    return Verdict::no("only f32 and f64, not " + std::string(name_of(problem.dtype)));
  }
  if (limits.delta != 0) {
    return Verdict::no("computes one output at a time, not " + std::to_string(limits.delta));
  }
  const std::string format = format_of(problem);
  if (!limits.packed_format.empty() && limits.packed_format != format) {
    return Verdict::no("packs weights as \"" + format + "\", not \"" + limits.packed_format + "\"");
  }
  return Verdict::yes();
}

// === cost ===
// Cycles per product: one f64 addition waits for the one before, and every position is looked up
// anew. Measured on 1x16x28x28,16x16x3x3,p1 [Zen 4, 2026-11-22].
constexpr double kCyclesPerProduct = 8.5;

std::size_t packed_size(const Problem& problem) {
  const std::int64_t elements =
      element_count(problem.kernel_shape()) + (problem.bias ? problem.c_o : 0);
  return static_cast<std::size_t>(elements) * size_of(problem.dtype);
}

Cost estimate(const Problem& problem, const Limits& limits, const Machine& machine) {
  Cost cost;
  cost.multiplications = problem.multiplications();
  cost.additions = cost.multiplications;
  cost.packed_bytes = limits.prepacked ? packed_size(problem) : 0;
  cost.pack_seconds = static_cast<double>(cost.packed_bytes) / machine.rates.dram_bytes_per_second;
  cost.product_seconds =
      static_cast<double>(cost.multiplications) * kCyclesPerProduct * 1e-9 / machine.rates.ghz;
  cost.predicted_seconds = cost.product_seconds;
  const bool f64 = problem.dtype == Dtype::f64;
  const double unit = f64 ? kUnitRoundoff64 : kUnitRoundoff;
  const auto depth = static_cast<double>(problem.depth());
  // f32: one rounding at the end; f64: a sequential sum, as in chunked_sum_rms.
  cost.error_rms = kRoundingRmsShare * unit * (f64 ? std::sqrt((depth + 1) / 2) : 1.5);
  cost.error_bound = f64 ? (2 * depth + 6) * unit : unit + (depth + 6) * kUnitRoundoff64;
  return cost;
}

// === pack ===
// Weights as they are, then the biases.
template <class T>
Operands<T> operands_of(const Problem& problem, const Args& args) {
  Operands<T> operands;
  operands.x = static_cast<const T*>(args.x);
  operands.residual = static_cast<const T*>(args.residual);
  if (args.packed != nullptr) {
    operands.kernel = reinterpret_cast<const T*>(args.packed);
    operands.bias =
        problem.bias ? operands.kernel + element_count(problem.kernel_shape()) : nullptr;
  } else {
    operands.kernel = static_cast<const T*>(args.kernel);
    operands.bias = static_cast<const T*>(args.bias);
  }
  return operands;
}

// === run ===
// Returns the number of outputs computed.
template <class T>
std::int64_t run_loops(const Problem& problem, const Args& args) {
  const Operands<T> operands = operands_of<T>(problem, args);
  const Dims strides = problem.effective_y_strides();
  const std::int64_t h_o = problem.h_o();
  const std::int64_t w_o = problem.w_o();
  auto* y = static_cast<T*>(args.y);
  std::int64_t outputs = 0;
  for (std::int64_t n = 0; n < problem.n; ++n) {
    for (std::int64_t o = 0; o < problem.c_o; ++o) {
      for (std::int64_t i = 0; i < h_o; ++i) {
        for (std::int64_t j = 0; j < w_o; ++j) {
          if (args.cancelled()) return outputs;
          y[n * strides[0] + o * strides[1] + i * strides[2] + j * strides[3]] =
              static_cast<T>(output_at(problem, operands, n, o, i, j).value);
          ++outputs;
        }
      }
    }
  }
  return outputs;
}

class Reference final : public Execution {
 public:
  explicit Reference(const Problem& problem) : problem_(problem) {}

  std::string packed_format() const override { return format_of(problem_); }

  void pack(const void* kernel, const void* bias, std::byte* out) const override {
    const std::size_t size = size_of(problem_.dtype);
    const std::size_t kernel_bytes =
        static_cast<std::size_t>(element_count(problem_.kernel_shape())) * size;
    std::memcpy(out, kernel, kernel_bytes);
    if (problem_.bias) {
      std::memcpy(out + kernel_bytes, bias, static_cast<std::size_t>(problem_.c_o) * size);
    }
  }

  void run(const Args& args) const override {
    const std::int64_t outputs = problem_.dtype == Dtype::f64 ? run_loops<double>(problem_, args)
                                                              : run_loops<float>(problem_, args);
    if (args.report != nullptr) {
      *args.report = {"reference", Target::emu128, 1, outputs * problem_.depth()};
    }
  }

  int threads() const override { return 1; }

 private:
  Problem problem_;
};

std::unique_ptr<Execution> prepare(const Problem& problem, const Limits& /*limits*/,
                                   const Machine& /*machine*/) {
  return std::make_unique<Reference>(problem);
}

}  // namespace

std::span<const Algorithm> forms() {
  static const Algorithm algorithms[] = {
      {"reference", "seven plain loops with f64 sums: the oracle", accepts, estimate, prepare}};
  return algorithms;
}

}  // namespace plait::reference
