// Direct convolution with pixels as lanes: shifted loads from zero-padded strips of the input.
#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

#include "algorithms/product_room.hpp"
#include "kernels/strips.hpp"

namespace plait::strips {
namespace {

// === mathematics ===
// For every image and group, with o < c_o/g, k = (c, u, v), q = i * pitch + j:
//   y[o, q] = sum over k of K[o, k] * strip[offset(k) + q]
// The strip holds the lines of x that a block of output lines needs, zeros around them, once; the
// k_h k_w terms of a channel are shifted views of it. Computing Delta outputs at once reads each
// input (k_w + Delta - 1) / Delta times per row instead of k_w times (the chapter's exercise 6).
// Stride s: the padded input falls into s_h x s_w phases (every s-th line and column), and tap
// (u, v) reads phase (u d_h mod s_h, v d_w mod s_w) at line i + u d_h / s_h, column
// j + v d_w / s_w: each phase is read like stride 1. Source: Zhang, Franchetti, Low 2018, High
// Performance Zero-Memory Overhead Direct Convolutions, for the loads; phases are the polyphase
// decomposition of signal processing.
//
// When it wins and loses, measured:
// Its time in times of im2col's. One thread, medians of ten alternations [Zen 4 VM, AVX-512, GCC
// 12.2, 2026-11-22].
//   15x15 over one channel, 512 px             0.22
//   depthwise 3x3, 96 channels, 56 px          0.3
//   32 groups of 4 -> 4, 3x3 at 28 px          0.28
//   30 groups of 16 -> 16, 3x3 at 10 px        0.66
//   first layer, 7x7 stride 2, 3 -> 64, 224 px 0.6
//   16 -> 16, 3x3 at 16 px                     0.53
//   5x5, 32 -> 64 at 28 px                     0.75
//   3x3 at 56, 28, 14, 7 px (ResNet-50)        0.78, 0.88, 0.88, 0.86
//   3x3 with dilation 2 at 56 px               0.85
//   3x3 with stride 2, 128 -> 128 at 56 px     0.95 to 1
//   3x3, 512 -> 512 at 4x4 px                  1.3
// It wins by gathering each pixel once: the fewer channels share a copy, the more. It loses where
// lines are short against the tile, because it computes the columns between two lines too; the cost
// model does not see that loss in full (it expects 0.93 for the last row).

// One axis. The phases that taps read repeat after stride / gcd(stride, dilation) taps; phase
// number i is that of tap i.
struct Axis {
  Axis(std::int64_t taps, std::int64_t stride_, std::int64_t dilation_)
      : stride(stride_),
        dilation(dilation_),
        phases(std::min(taps, stride_ / std::gcd(stride_, dilation_))),
        reach((taps - 1) * dilation_ / stride_) {}

  std::int64_t phase_number(std::int64_t tap) const { return tap % phases; }
  // First line (or column) of the padded input in a phase.
  std::int64_t first_of(std::int64_t phase) const { return phase * dilation % stride; }
  std::int64_t step_of(std::int64_t tap) const { return tap * dilation / stride; }

  std::int64_t stride;
  std::int64_t dilation;
  std::int64_t phases;
  std::int64_t reach;  // of the last tap within its phase
};

struct Geometry {
  explicit Geometry(const Problem& problem)
      : vertical(problem.k_h, problem.stride.h, problem.dilation.h),
        horizontal(problem.k_w, problem.stride.w, problem.dilation.w) {
    shape.lines = problem.h_o();
    shape.width = problem.w_o();
    shape.pitch = shape.width + horizontal.reach;
    shape.halo_lines = vertical.reach;
    shape.planes = problem.c_i / problem.groups * vertical.phases * horizontal.phases;
    shape.product = product_shape(problem);
    shape.product.columns = shape.lines * shape.pitch;
  }

  // Offsets of all terms in a strip, in the order of K.
  std::vector<std::int32_t> offsets(const Problem& problem, std::int64_t plane_stride) const {
    std::vector<std::int32_t> list;
    list.reserve(static_cast<std::size_t>(problem.depth()));
    const std::int64_t phases = vertical.phases * horizontal.phases;
    for (std::int64_t c = 0; c < problem.c_i / problem.groups; ++c) {
      for (std::int64_t u = 0; u < problem.k_h; ++u) {
        for (std::int64_t v = 0; v < problem.k_w; ++v) {
          const std::int64_t plane = c * phases + vertical.phase_number(u) * horizontal.phases +
                                     horizontal.phase_number(v);
          list.push_back(static_cast<std::int32_t>(
              plane * plane_stride + vertical.step_of(u) * shape.pitch + horizontal.step_of(v)));
        }
      }
    }
    return list;
  }

  Axis vertical, horizontal;
  kernels::StripShape shape;
};

// Copies lines of x into strips, phase by phase, with zeros around them.
class Lines final : public kernels::StripSource {
 public:
  Lines(const Problem& problem, const Geometry& geometry, const float* x)
      : problem_(problem), geometry_(geometry), x_(x), strides_(problem.effective_x_strides()) {}

  void fill(std::int64_t unit, std::int64_t first_line, std::int64_t lines, float* strip,
            std::int64_t plane_stride) const override {
    const std::int64_t channels = problem_.c_i / problem_.groups;
    const float* channel =
        x_ + unit / problem_.groups * strides_[0] + unit % problem_.groups * channels * strides_[1];
    for (std::int64_t c = 0; c < channels; ++c, channel += strides_[1]) {
      for (std::int64_t i = 0; i < geometry_.vertical.phases; ++i) {
        for (std::int64_t j = 0; j < geometry_.horizontal.phases; ++j) {
          fill_plane(channel, geometry_.vertical.first_of(i), geometry_.horizontal.first_of(j),
                     first_line, lines + geometry_.shape.halo_lines, strip);
          strip += plane_stride;
        }
      }
    }
  }

 private:
  void fill_plane(const float* channel, std::int64_t first_row, std::int64_t first_col,
                  std::int64_t first_line, std::int64_t lines, float* to) const {
    const std::int64_t pitch = geometry_.shape.pitch;
    const std::int64_t step = problem_.stride.w;
    const std::int64_t col = first_col - problem_.padding.left;
    // Columns [first, last) of the plane are real input: 0 <= col + j * step < w.
    const std::int64_t first = std::min(pitch, col >= 0 ? 0 : (-col + step - 1) / step);
    const std::int64_t last =
        std::max(first, std::min(pitch, (problem_.w - col + step - 1) / step));
    // A step over huge padding is only taken from one real pixel to another.
    const std::int64_t stride = last - first <= 1 ? 1 : step * strides_[3];
    for (std::int64_t line = first_line; line < first_line + lines; ++line, to += pitch) {
      const std::int64_t row = line * problem_.stride.h + first_row - problem_.padding.top;
      if (row < 0 || row >= problem_.h || first == last) {
        std::fill(to, to + pitch, 0.0F);
        continue;
      }
      const float* from = channel + row * strides_[2] + (col + first * step) * strides_[3];
      std::fill(to, to + first, 0.0F);
      if (stride == 1) {
        std::memcpy(to + first, from, static_cast<std::size_t>(last - first) * sizeof(float));
      } else {
        for (std::int64_t j = first; j < last; ++j, from += stride) to[j] = *from;
      }
      std::fill(to + last, to + pitch, 0.0F);
    }
  }

  const Problem& problem_;
  const Geometry& geometry_;
  const float* x_;
  Dims strides_;
};

// === config ===
// Cycles to write one element of a strip, copied or picked one by one, and one line of one plane:
// fitted to 3x3 layers at 56, 28 and 14 pixels, strides 1 and 2 [Zen 4, 2026-11-22].
constexpr double kCopyCycles = 0.3;
constexpr double kPickCycles = 0.9;
constexpr double kLineCycles = 20;

kernels::StripBlocking config(const Problem& problem, const Limits& limits,
                              const Machine& machine) {
  const Geometry geometry(problem);
  const bool copies = problem.stride.w == 1 && problem.effective_x_strides()[3] == 1;
  const double cycles = (copies ? kCopyCycles : kPickCycles) +
                        kLineCycles / static_cast<double>(geometry.shape.pitch);
  kernels::StripRequest request;
  request.shape = geometry.shape;
  request.threads = limits.threads;
  request.max_workspace_bytes = limits.max_workspace_bytes;
  request.prepacked = limits.prepacked;
  request.delta = limits.delta;
  request.fill_seconds_per_element = cycles * 1e-9 / machine.rates.ghz;
  request.tile_rows = required_tile_rows("strips", problem, limits, machine.target);
  return kernels::choose_strips(request, machine);
}

// === accepts ===
// What every product room takes: forward, f32, zeros as padding, no residual, no activation but
// ReLU. A strip of one line of output must fit under the cap, and 32 bits must address it.
Verdict accepts(const Problem& problem, const Limits& limits, const Machine& machine) {
  Verdict verdict = accepts_as_product(problem);
  if (!verdict) return verdict;
  const kernels::StripBlocking blocking = config(problem, limits, machine);
  if (blocking.tile == nullptr) return refuse_tiles("strips", limits, machine.target);
  if (blocking.strip_bytes / sizeof(float) > std::numeric_limits<std::int32_t>::max()) {
    return Verdict::no("one line of output needs a strip of " +
                       std::to_string(blocking.strip_bytes) + " bytes, offsets have 32 bits");
  }
  return Verdict::yes();
}

// === cost ===
Cost estimate(const Problem& problem, const Limits& limits, const Machine& machine) {
  const kernels::StripBlocking blocking = config(problem, limits, machine);
  return product_cost(problem, machine, blocking.cost, blocking.threads,
                      kernels::workspace_bytes(blocking), blocking.weights_bytes);
}

// === pack ===
// Weights in tile order: TileExecution::pack.

// === run ===
class Strips final : public TileExecution {
 public:
  Strips(const Problem& problem, const kernels::StripBlocking& blocking)
      : TileExecution("strips", problem, *blocking.tile, blocking.target, blocking.threads),
        geometry_(problem),
        blocking_(blocking),
        offsets_(geometry_.offsets(problem, blocking.plane_stride(geometry_.shape))) {}

  void run(const Args& args) const override {
    const Lines source(problem(), geometry_, static_cast<const float*>(args.x));
    run_and_report(args, geometry_.shape.pitch, kernels::kStripLoops,
                   [&](const kernels::ProductOperands& operands) {
                     kernels::run_strips(geometry_.shape, blocking_, source, offsets_.data(),
                                         operands);
                   });
  }

  std::string config() const override {
    return tile_text(*blocking_.tile) + ", strips of " + std::to_string(blocking_.block_lines) +
           (blocking_.block_lines == 1 ? " line, " : " lines, ") +
           std::to_string(blocking_.strip_bytes) + " bytes";
  }

 private:
  Geometry geometry_;
  kernels::StripBlocking blocking_;
  std::vector<std::int32_t> offsets_;
};

std::unique_ptr<Execution> prepare(const Problem& problem, const Limits& limits,
                                   const Machine& machine) {
  return std::make_unique<Strips>(problem, config(problem, limits, machine));
}

}  // namespace

std::span<const Algorithm> forms() {
  static const Algorithm algorithms[] = {
      {"strips", "shifted loads from zero-padded strips of the input, pixels as lanes", accepts,
       estimate, prepare}};
  return algorithms;
}

}  // namespace plait::strips
