#include "support/random.hpp"

#include <cmath>

namespace plait::test {
namespace {

// Element strides of a view that lies in a larger parent: gaps on some axes, or another layout.
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

// As far as the window allows.
void halve_images(Problem& problem) {
  problem.n = (problem.n + 1) / 2;
  problem.h = std::max((problem.h + 1) / 2, problem.dilation.h * (problem.k_h - 1) + 1);
  problem.w = std::max((problem.w + 1) / 2, problem.dilation.w * (problem.k_w - 1) + 1);
}

// Halves images or channels, whichever are larger, until the problem is small enough.
void shrink_to(std::int64_t max_macs, Problem& problem) {
  while (problem.multiplications() > max_macs) {
    const Problem before = problem;
    if (std::max(problem.h, problem.w) > std::max(problem.c_i, problem.c_o)) halve_images(problem);
    if (problem == before) halve_channels(problem);
    if (problem == before) halve_images(problem);
    if (problem == before) {  // one channel a group in the smallest image
      problem.c_i = problem.c_o = problem.groups = 1;
      problem.padding = 0;
    }
  }
}

}  // namespace

std::uint64_t Random::bits() {  // SplitMix64
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31U);
}

std::int64_t Random::between(std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(bits() % static_cast<std::uint64_t>(high - low + 1));
}

bool Random::chance(double probability) { return uniform() < probability; }
double Random::uniform() { return static_cast<double>(bits() >> 11U) * 0x1p-53; }

double Random::normal() {  // Box and Muller 1958
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  return radius * std::cos(2 * 3.14159265358979323846 * uniform());
}

template <class T>
void fill_relu_like(Tensor<T>& tensor, Random& random) {
  for (T& value : tensor) value = static_cast<T>(std::max(0.0, random.normal()));
}

template <class T>
void fill_he(Tensor<T>& tensor, std::int64_t depth, Random& random) {
  const double scale = std::sqrt(2.0 / static_cast<double>(depth));
  for (T& value : tensor) value = static_cast<T>(scale * random.normal());
}

template <class T>
void fill_integers(Tensor<T>& tensor, std::int64_t limit, Random& random) {
  for (T& value : tensor) value = static_cast<T>(random.between(-limit, limit));
}

template void fill_relu_like(Tensor<float>&, Random&);
template void fill_relu_like(Tensor<double>&, Random&);
template void fill_he(Tensor<float>&, std::int64_t, Random&);
template void fill_he(Tensor<double>&, std::int64_t, Random&);
template void fill_integers(Tensor<float>&, std::int64_t, Random&);
template void fill_integers(Tensor<double>&, std::int64_t, Random&);

Problem random_problem(Random& random, const ProblemSpace& space) {
  static constexpr std::int64_t kGroups[] = {1, 1, 1, 1, 2, 3, 5};
  Problem p;
  p.n = random.chance(0.7) ? 1 : random.between(2, 4);
  p.groups = random.pick(kGroups);
  p.c_i = channels_of(random, p.groups);
  p.c_o = channels_of(random, p.groups);
  p.h = random.between(1, 20);
  p.w = random.between(1, 40);
  if (random.chance(0.5)) p.stride = {random.between(1, 4), random.between(1, 4)};
  if (!space.pointwise) {
    p.k_h = random.between(1, 5);
    p.k_w = random.between(1, 5);
    if (random.chance(0.3)) p.dilation = {random.between(1, 3), random.between(1, 3)};
    if (random.chance(0.6)) {
      p.padding = {random.between(0, 3), random.between(0, 3), random.between(0, 3),
                   random.between(0, 3)};
    }
    if (random.chance(0.1)) p.padding = p.k_h + 1;
  }
  const std::int64_t dilated_h = p.dilation.h * (p.k_h - 1) + 1;
  const std::int64_t dilated_w = p.dilation.w * (p.k_w - 1) + 1;
  p.h = std::max(p.h, dilated_h);
  p.w = std::max(p.w, dilated_w);
  if (random.chance(0.1)) {  // a single output
    p.padding = 0;
    p.h = dilated_h;
    p.w = dilated_w;
  }
  shrink_to(space.max_macs, p);
  p.bias = random.chance(0.5);
  if (random.chance(0.3)) p.activation.kind = ActivationKind::relu;
  if (space.every_option) {
    static constexpr PaddingMode kModes[] = {PaddingMode::zeros, PaddingMode::replicate,
                                             PaddingMode::constant};
    p.padding_mode = random.pick(kModes);
    if (p.padding_mode == PaddingMode::constant) p.padding_value = 0.5;
    static constexpr ActivationKind kKinds[] = {ActivationKind::none,    ActivationKind::relu,
                                                ActivationKind::relu6,   ActivationKind::leaky,
                                                ActivationKind::hswish,  ActivationKind::silu,
                                                ActivationKind::sigmoid, ActivationKind::tanh};
    p.activation = {random.pick(kKinds), 0};
    if (p.activation.kind == ActivationKind::leaky) p.activation.slope = 0.1;
    p.residual = random.chance(0.3);
  }
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
  return machine;
}

std::vector<Target> runnable_targets() { return host_machine().targets; }

Machine on_target(Target target) {
  Machine machine = host_machine();
  machine.use(target);
  return machine;
}

}  // namespace plait::test
