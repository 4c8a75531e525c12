#include "analysis/verify/random_case.hpp"

#include <algorithm>
#include <array>

namespace plait {
namespace {

// Strides of a view into a larger parent tensor, with gaps on some axes or another layout.
Dims gapped_strides(const Dims& shape, Random& random) {
  Dims parent = shape;
  for (int axis = 1; axis < 4; ++axis) {
    if (random.chance(0.4)) parent[axis] += random.between(1, 3);
  }
  if (random.chance(0.3)) return layout_strides(parent, Layout::nhwc);
  Dims strides = dense_strides(parent);
  if (random.chance(0.3)) {  // every second or third column of the parent
    const std::int64_t step = random.between(2, 3);
    for (int axis = 0; axis < 4; ++axis) strides[axis] *= step;
  }
  return strides;
}

std::int64_t channels_of(Random& random, std::int64_t groups) {
  static constexpr std::int64_t kPerGroup[] = {1, 1, 2, 3, 4, 5, 7, 8, 13, 16, 17, 31, 33};
  return groups * random.pick(kPerGroup);
}

void halve_channels(Problem& problem) {
  for (std::int64_t* channels : {&problem.c_i, &problem.c_o}) {
    *channels = (*channels / problem.groups + 1) / 2 * problem.groups;
  }
}

// Halves the batch and the image, but not below the size of one window.
void halve_images(Problem& problem) {
  problem.n = (problem.n + 1) / 2;
  problem.h = std::max((problem.h + 1) / 2, problem.dilation.h * (problem.k_h - 1) + 1);
  problem.w = std::max((problem.w + 1) / 2, problem.dilation.w * (problem.k_w - 1) + 1);
}

// Halves the images or the channels, whichever are more, until the problem is small enough.
void shrink_to(std::int64_t max_macs, Problem& problem) {
  while (problem.multiplications() > max_macs) {
    const Problem before = problem;
    if (std::max(problem.h, problem.w) > std::max(problem.c_i, problem.c_o)) halve_images(problem);
    if (problem == before) halve_channels(problem);
    if (problem == before) halve_images(problem);
    if (problem == before) {  // nothing is left to halve
      problem.c_i = problem.c_o = problem.groups = 1;
      problem.padding = 0;
    }
  }
}

// Draws a kernel larger than 1x1, and padding.
void set_window(Problem& p, Random& random) {
  p.k_h = random.between(1, 5);
  p.k_w = random.between(1, 5);
  if (random.chance(0.3)) p.dilation = {random.between(1, 3), random.between(1, 3)};
  if (random.chance(0.6)) {
    p.padding = {random.between(0, 3), random.between(0, 3), random.between(0, 3),
                 random.between(0, 3)};
  }
  if (random.chance(0.1)) p.padding = p.k_h + 1;
}

// Makes sums of more than two chunks, with few pixels and channels.
void deepen(Problem& p, Random& random) {
  p.n = 1;
  p.groups = random.between(1, 2);
  p.c_i = p.groups * (random.between(513, 1100) / (p.k_h * p.k_w) + 1);
  p.c_o = p.groups * random.between(1, 9);
  p.h = random.between(1, 3);
  p.w = random.between(1, 6);
}

// Makes the input at least as large as the dilated kernel; one in ten has a single output.
void fit_image_to_window(Problem& p, Random& random) {
  const std::int64_t dilated_h = p.dilation.h * (p.k_h - 1) + 1;
  const std::int64_t dilated_w = p.dilation.w * (p.k_w - 1) + 1;
  p.h = std::max(p.h, dilated_h);
  p.w = std::max(p.w, dilated_w);
  if (random.chance(0.1)) {
    p.padding = 0;
    p.h = dilated_h;
    p.w = dilated_w;
  }
}

// reflect, symmetric and circular allow padding up to the size of the image; other modes allow any.
bool fits(PaddingMode mode, const Problem& p) {
  const std::int64_t vertical = std::max(p.padding.top, p.padding.bottom);
  const std::int64_t horizontal = std::max(p.padding.left, p.padding.right);
  if (mode == PaddingMode::reflect) return vertical < p.h && horizontal < p.w;
  if (mode == PaddingMode::circular || mode == PaddingMode::symmetric) {
    return vertical <= p.h && horizontal <= p.w;
  }
  return true;
}

// A problem that Winograd's algorithms take; some have many tiles, input channels or output
// channels.
void suit_tiles(Problem& p, std::int64_t max_multiplications, Random& random) {
  static constexpr std::int64_t kTaps[] = {3, 5, 7};
  p.k_h = p.k_w = random.pick(kTaps);
  if (p.k_h == 7 || random.chance(0.2)) (random.chance(0.5) ? p.k_h : p.k_w) = 1;
  p.stride = 1;
  if (random.chance(0.2)) {
    p.c_i = p.c_o = p.groups;
    p.h = random.between(24, 40);
    p.w = random.between(24, 40);
  } else if (random.chance(0.2)) {
    p.n = 1;
    p.c_i = p.groups * random.between(129, 200);
    p.c_o = p.groups * random.between(1, 9);
    p.h = random.between(1, 5);
    p.w = random.between(1, 5);
  } else if (random.chance(0.2)) {
    p.c_i = p.groups * random.between(1, 4);
    p.c_o = p.groups * random.between(40, 150);
    p.h = random.between(1, 7);
    p.w = random.between(1, 7);
  }
  fit_image_to_window(p, random);
  shrink_to(max_multiplications, p);
}

// A depthwise problem, usually with its channels innermost in memory.
void suit_channels(Problem& p, std::int64_t max_multiplications, Random& random) {
  p.groups = random.between(9, 70);
  p.c_i = p.groups;
  p.c_o = p.groups * random.between(1, 2);
  p.h = random.between(1, 12);
  p.w = random.between(1, 12);
  if (random.chance(0.7)) p.x_layout = p.y_layout = Layout::nhwc;
  fit_image_to_window(p, random);
  shrink_to(max_multiplications, p);
}

void set_rare_options(Problem& p, Random& random) {
  static constexpr PaddingMode kModes[] = {PaddingMode::zeros,     PaddingMode::reflect,
                                           PaddingMode::replicate, PaddingMode::circular,
                                           PaddingMode::constant,  PaddingMode::symmetric};
  const PaddingMode mode = random.pick(kModes);
  if (fits(mode, p)) p.padding_mode = mode;
  if (p.padding_mode == PaddingMode::constant) p.padding_value = 0.5;
  static constexpr ActivationKind kKinds[] = {
      ActivationKind::none,   ActivationKind::relu, ActivationKind::relu6,   ActivationKind::leaky,
      ActivationKind::hswish, ActivationKind::silu, ActivationKind::sigmoid, ActivationKind::tanh};
  p.activation = {random.pick(kKinds), 0};
  if (p.activation.kind == ActivationKind::leaky) p.activation.slope = 0.1;
  p.residual = random.chance(0.3);
  if (p.residual && random.chance(0.3)) {
    p.residual_strides = gapped_strides(p.y_shape(), random);
  }
  if (random.chance(0.3)) p.dtype = Dtype::f64;
}

}  // namespace

Problem random_problem(Random& random, std::int64_t max_multiplications) {
  static constexpr std::int64_t kGroups[] = {1, 1, 1, 1, 2, 3, 5};
  Problem p;
  p.n = random.chance(0.7) ? 1 : random.between(2, 4);
  p.groups = random.pick(kGroups);
  p.c_i = channels_of(random, p.groups);
  p.c_o = channels_of(random, p.groups);
  p.h = random.between(1, 20);
  p.w = random.between(1, 40);
  if (random.chance(0.5)) p.stride = {random.between(1, 4), random.between(1, 4)};
  if (random.chance(0.7)) set_window(p, random);
  if (random.chance(0.15)) deepen(p, random);
  if (random.chance(0.1)) {  // many output channels and few pixels: blocking splits the channels
    p.c_o = p.groups * random.between(40, 150);
    p.h = random.between(1, 4);
    p.w = random.between(1, 12);
  }
  fit_image_to_window(p, random);
  shrink_to(max_multiplications, p);
  if (random.chance(0.2)) {
    suit_tiles(p, max_multiplications, random);
  } else if (random.chance(0.05)) {
    suit_channels(p, max_multiplications, random);
  }
  p.bias = random.chance(0.5);
  if (random.chance(0.3)) p.activation.kind = ActivationKind::relu;
  if (random.chance(0.25)) set_rare_options(p, random);
  if (random.chance(0.2)) p.x_layout = Layout::nhwc;
  if (random.chance(0.2)) p.y_layout = Layout::nhwc;
  if (random.chance(0.3)) p.x_strides = gapped_strides(p.x_shape(), random);
  if (random.chance(0.3)) p.y_strides = gapped_strides(p.y_shape(), random);
  return p;
}

Machine with_fake_caches(Machine machine, Random& random) {
  machine.caches.l1_bytes = random.between(1, 4) << 10;
  machine.caches.l2_bytes = random.between(1, 64) << 10;
  machine.caches.l3_bytes = random.between(16, 256) << 10;
  machine.rates.fork_join_seconds = 0;
  return machine;
}

Limits random_limits(const std::string& algorithm, Accuracy accuracy, const Machine& machine,
                     Random& random) {
  static constexpr std::size_t kCaps[] = {
      0, 3000, 20000, kNoWorkspaceCap, kNoWorkspaceCap, kNoWorkspaceCap};
  Limits limits;
  limits.algorithm = algorithm;
  limits.accuracy = accuracy;
  limits.threads = static_cast<int>(random.between(1, 3));
  limits.max_workspace_bytes = random.pick(kCaps);
  limits.prepacked = random.chance(0.5);
  // The widths that register tiles have: some vectors of the target or of half its width, or some
  // pixels.
  const int lanes = lanes_of(machine.target);
  if (random.chance(0.6)) {
    limits.tile_columns = random.chance(0.5) ? lanes * static_cast<int>(random.between(1, 8))
                                             : static_cast<int>(random.between(4, 14));
  }
  return limits;
}

Case random_case(const Problem& problem, const std::string& algorithm, Accuracy accuracy,
                 const Machine& machine, Random& random) {
  Case test;
  test.problem = problem;
  test.machine = random.chance(0.5) ? with_fake_caches(machine, random) : machine;
  test.limits = random_limits(algorithm, accuracy, machine, random);
  static constexpr DataKind kKinds[] = {
      DataKind::relu_like,  DataKind::relu_like,   DataKind::relu_like,  DataKind::relu_like,
      DataKind::wide_range, DataKind::one_channel, DataKind::integers,   DataKind::alternating,
      DataKind::outliers,   DataKind::spots,       DataKind::not_finite, DataKind::subnormal};
  test.data = random.pick(kKinds);
  test.guard_behind = random.chance(0.5);
  test.data_seed = random.bits();
  // Small caches give many short loops, large ones few long loops, and some cases must have each on
  // every machine. So half of the cases with this machine's caches get ordinary ones instead. A bit
  // of the seed decides, so that the other values of a case do not depend on it.
  if (test.machine.caches == machine.caches && test.data_seed % 2 == 0) {
    test.machine.caches = Caches();
  }
  return test;
}

std::string_view name_of(DataKind kind) {
  switch (kind) {
    case DataKind::relu_like:
      return "ReLU-like";
    case DataKind::wide_range:
      return "wide-range";
    case DataKind::one_channel:
      return "one-large-channel";
    case DataKind::integers:
      return "integer";
    case DataKind::alternating:
      return "alternating";
    case DataKind::outliers:
      return "outlier";
    case DataKind::spots:
      return "spotted";
    case DataKind::not_finite:
      return "non-finite";
    case DataKind::subnormal:
      break;
  }
  return "subnormal";
}

std::string to_string(const Case& test) {
  const Limits& limits = test.limits;
  const Caches& caches = test.machine.caches;
  std::string text = to_string(test.problem) + " by " + limits.algorithm + " on " +
                     std::string(name_of(test.machine.target)) + ", " +
                     std::to_string(limits.threads) +
                     (limits.threads == 1 ? " thread" : " threads");
  if (limits.max_workspace_bytes != kNoWorkspaceCap) {
    text += ", workspace at most " + std::to_string(limits.max_workspace_bytes) + " bytes";
  }
  if (!limits.prepacked) text += ", weights packed in the run";
  if (limits.tile_columns != 0) {
    text += ", tiles of " + std::to_string(limits.tile_columns) + " columns";
  }
  if (caches != host_machine().caches) {
    text += ", caches of " + std::to_string(caches.l1_bytes) + ", " +
            std::to_string(caches.l2_bytes) + ", " + std::to_string(caches.l3_bytes) + " bytes";
  }
  return text + ", " + std::string(name_of(test.data)) + " data, guard " +
         (test.guard_behind ? "behind" : "before");
}

}  // namespace plait
