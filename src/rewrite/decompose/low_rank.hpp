// A kernel as matrices whose singular values decide how cheap two layers can be: one matrix per
// block, a group or a pair of channels.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include <plait/rewrite/decompose.hpp>

#include "rewrite/decompose/plane.hpp"
#include "rewrite/linear/matrix.hpp"

namespace plait::rewrite {

// Larger matrices are not decomposed: singular values of a square one of 2048 take 4 s, 9 s with
// their vectors [Emerald Rapids VM, one thread, 2026-11-26].
inline constexpr std::int64_t kLargestMatrix = 2048;

// The kernel unfolded into the matrices of a form. A row belongs to a value of the first layer's
// kernels, a column to one of the second layer's. For c_ig inputs and c_og outputs per group:
//   spatial_pairs   a block per o, i: u x v
//   spatial_shared  a block per group: (i, u) x (o, v)
//   channels_first  a block per group: i x (o, u, v)
//   channels_last   a block per group: (i, u, v) x o
// Sources: Rigamonti et al. 2013 (pairs), Jaderberg et al. 2014 (shared), Zhang et al. 2016 (1x1).
class Unfolding {
 public:
  Unfolding(LayerForm form, const ScaledKernel& kernel);

  LayerForm form() const { return form_; }
  std::int64_t blocks() const { return blocks_; }
  std::int64_t rows() const { return rows_; }
  std::int64_t cols() const { return cols_; }
  std::int64_t full_rank() const { return rows_ < cols_ ? rows_ : cols_; }
  // Where in the kernel's values an entry of a block stands.
  std::int64_t offset(std::int64_t block, std::int64_t row, std::int64_t col) const;
  Matrix matrix(std::int64_t block) const;
  // Why the kernel has no such form, or "".
  std::string refusal() const;

 private:
  LayerForm form_;
  const ScaledKernel* kernel_;
  std::int64_t blocks_ = 1;
  std::int64_t rows_ = 1;
  std::int64_t cols_ = 1;
};

// The error of the best approximation of each rank, all blocks together.
class Spectrum {
 public:
  Spectrum(const Unfolding& unfolding, const ScaledKernel& kernel, const std::atomic<bool>* cancel);

  const Unfolding& unfolding() const { return unfolding_; }
  // ||K - K^|| / ||K|| of the best approximation of the rank.
  double error(std::int64_t rank) const;
  // The least rank >= 1 with at most this error.
  std::int64_t rank_for(double error) const;
  // The rank that reproduces the kernel within rounding.
  std::int64_t exact_rank() const { return rank_for(exact_error_); }
  double exact_error() const { return exact_error_; }

 private:
  Unfolding unfolding_;
  std::vector<double> dropped_;  // [rank]: the sum of the squares of all later singular values
  double exact_error_ = 0;
};

// Which k_h x k_w kernels have rank one.
Separability separability(const ScaledKernel& kernel, const std::atomic<bool>* cancel);

}  // namespace plait::rewrite
