// A matrix of doubles as plain values. Everything that computes with it is in this folder, on
// Eigen, which is included by no other file: compilers take seconds for each of its decompositions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace plait::rewrite {

// rows x cols, column by column.
struct Matrix {
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::vector<double> values;

  Matrix() = default;
  Matrix(std::int64_t rows_, std::int64_t cols_) { resize(rows_, cols_); }

  // The values are left as they are, or undefined.
  void resize(std::int64_t rows_, std::int64_t cols_) {
    rows = rows_;
    cols = cols_;
    values.resize(static_cast<std::size_t>(rows_ * cols_));
  }

  double& operator()(std::int64_t i, std::int64_t j) { return values[at(i, j)]; }
  double operator()(std::int64_t i, std::int64_t j) const { return values[at(i, j)]; }
  double* column(std::int64_t j) { return values.data() + j * rows; }
  const double* column(std::int64_t j) const { return values.data() + j * rows; }

 private:
  std::size_t at(std::int64_t i, std::int64_t j) const {
    return static_cast<std::size_t>(j * rows + i);
  }
};

}  // namespace plait::rewrite
