// Seeded random numbers, tensors and problems; the same on every machine.
#pragma once

#include <cstdint>
#include <vector>

#include <plait/machine.hpp>
#include <plait/problem.hpp>
#include <plait/tensor.hpp>

namespace plait::test {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t bits();
  std::int64_t between(std::int64_t low, std::int64_t high);  // both included
  bool chance(double probability);
  double uniform();  // [0, 1)
  double normal();
  template <class Values>
  auto pick(const Values& values) {
    const auto size = static_cast<std::int64_t>(std::size(values));
    return *(std::begin(values) + between(0, size - 1));
  }

 private:
  std::uint64_t state_;
};

// The data of the error classes: ReLU-like inputs, He weights.
template <class T>
void fill_relu_like(Tensor<T>& tensor, Random& random);
template <class T>
void fill_he(Tensor<T>& tensor, std::int64_t depth, Random& random);
// Integers in [-limit, limit]: sums of their products are exact.
template <class T>
void fill_integers(Tensor<T>& tensor, std::int64_t limit, Random& random);

// What a room under test can do; random_problem stays within it.
struct ProblemSpace {
  std::int64_t max_macs = 2'000'000;
  bool pointwise = false;     // only 1x1 kernels without padding
  bool every_option = false;  // padding modes, activations, residual (the reference's)
};

// A valid forward problem, edges over-sampled: output size 1, stride > kernel, pad >= kernel, prime
// channels, groups, strided views in and out.
Problem random_problem(Random& random, const ProblemSpace& space);

// This machine with tiny caches, so that every loop level runs several times on small problems.
Machine with_fake_caches(Machine machine, Random& random);

// The targets this machine can run.
std::vector<Target> runnable_targets();
Machine on_target(Target target);

}  // namespace plait::test
