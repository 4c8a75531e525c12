// The one-dimensional transforms of Winograd's forms, on vectors. Included once per target.

#if defined(PLAIT_KERNELS_AXIS_TRANSFORM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLAIT_KERNELS_AXIS_TRANSFORM_INL_H_
#undef PLAIT_KERNELS_AXIS_TRANSFORM_INL_H_
#else
#define PLAIT_KERNELS_AXIS_TRANSFORM_INL_H_
#endif

#include <cstddef>

#include <hwy/highway.h>

#include "kernels/simd/activate-inl.h"
#include "kernels/simd/unroll-inl.h"
#include "kernels/winograd/toom_cook.hpp"

HWY_BEFORE_NAMESPACE();
namespace plait::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The arithmetic that the transforms are written in: on vectors with one transform in each lane, or
// counting the operations.
struct VectorArithmetic {
  using Value = FloatVector;
  HWY_INLINE Value Add(Value a, Value b) const { return hn::Add(a, b); }
  HWY_INLINE Value Sub(Value a, Value b) const { return hn::Sub(a, b); }
  HWY_INLINE Value Mul(double factor, Value a) const { return hn::Mul(Constant(factor), a); }
  // factor * a + b, and b - factor * a.
  HWY_INLINE Value MulAdd(double factor, Value a, Value b) const {
    return hn::MulAdd(Constant(factor), a, b);
  }
  HWY_INLINE Value NegMulAdd(double factor, Value a, Value b) const {
    return hn::NegMulAdd(Constant(factor), a, b);
  }

 private:
  static HWY_INLINE Value Constant(double factor) {
    return hn::Set(FloatTag(), static_cast<float>(factor));
  }
};

class CountingArithmetic {
 public:
  using Value = int;  // has no meaning
  constexpr Value Add(Value /*a*/, Value /*b*/) { return Count(1); }
  constexpr Value Sub(Value /*a*/, Value /*b*/) { return Count(1); }
  constexpr Value Mul(double /*factor*/, Value /*a*/) { return Count(1); }
  constexpr Value MulAdd(double /*factor*/, Value /*a*/, Value /*b*/) { return Count(2); }
  constexpr Value NegMulAdd(double /*factor*/, Value /*a*/, Value /*b*/) { return Count(2); }
  constexpr int operations() const { return operations_; }

 private:
  constexpr Value Count(int operations) {
    operations_ += operations;
    return 0;
  }
  int operations_ = 0;
};

// The one-dimensional transforms of a form.
template <int kOutputs, int kTaps>
struct AxisTransform {
  static constexpr int kM = kOutputs;
  static constexpr int kR = kTaps;
  static constexpr int kT = kM + kR - 1;
  static constexpr ToomPoints<double> kPoints = toom_points<double>(kT);
  static constexpr int kPairs = kPoints.pairs;
  static constexpr int kInfinity = kT - 1;

  // out = B^T in. Points a and -a share the product R of the other factors: N_a = (x + a) R.
  template <class Arithmetic, class Value = typename Arithmetic::Value>
  static PLAIT_SHARE constexpr void In(Arithmetic& on, const Value (&in)[kT], Value (&out)[kT]) {
    constexpr Polynomial<double> kOfZero = kPoints.product_without(0);
    constexpr Polynomial<double> kOfInfinity = kPoints.product_without(-1);
    out[0] = Evaluate<kT - 2, 0>(on, kOfZero, in);
    out[kInfinity] = Evaluate<kT - 1, 0>(on, kOfInfinity, in);
    InPair<0>(on, in, out);
    if constexpr (kPoints.first_single() < kPoints.count) {
      constexpr Polynomial<double> kOfSingle = kPoints.product_without(kPoints.first_single());
      out[kPoints.first_single()] = Evaluate<kT - 2, 0>(on, kOfSingle, in);
    }
  }

  // out = A^T in: sums over the points of in[k] a_k^i.
  template <class Arithmetic, class Value = typename Arithmetic::Value>
  static PLAIT_SHARE constexpr void Out(Arithmetic& on, const Value (&in)[kT], Value (&out)[kM]) {
    Value sums[kPairs];
    Value differences[kPairs];
    PLAIT_UNROLL for (int p = 0; p < kPairs; ++p) {
      sums[p] = on.Add(in[kPoints.pair(p)], in[kPoints.pair(p) + 1]);
      differences[p] = on.Sub(in[kPoints.pair(p)], in[kPoints.pair(p) + 1]);
    }
    PLAIT_UNROLL for (int i = 0; i < kM; ++i) {
      Value sum = i == 0 ? in[0] : in[kInfinity];
      const bool starts = i == 0 || i == kM - 1;
      PLAIT_UNROLL for (int p = 0; p < kPairs; ++p) {
        const double factor = power(kPoints.values[static_cast<std::size_t>(kPoints.pair(p))], i);
        const Value term = i % 2 == 0 ? sums[p] : differences[p];
        if (factor == 1) {
          sum = p == 0 && !starts ? term : on.Add(term, sum);
        } else {
          sum = p == 0 && !starts ? on.Mul(factor, term) : on.MulAdd(factor, term, sum);
        }
      }
      PLAIT_UNROLL for (int k = kPoints.first_single(); k < kPoints.count; ++k) {
        const double factor = power(kPoints.values[static_cast<std::size_t>(k)], i);
        sum = on.MulAdd(factor, in[k], sum);
      }
      out[i] = sum;
    }
  }

 private:
  // The sum of polynomial[j] * in[j + shift] for j <= degree, where the leading coefficient is 1.
  template <int kDegree, int kShift, class Arithmetic, class Value>
  static HWY_INLINE constexpr Value Evaluate(Arithmetic& on, const Polynomial<double>& polynomial,
                                             const Value (&in)[kT]) {
    Value sum = in[kDegree + kShift];
    PLAIT_UNROLL for (int j = kDegree - 1; j >= 0; --j) {
      const double coefficient = polynomial[static_cast<std::size_t>(j)];
      if (coefficient == 0) continue;
      sum = on.MulAdd(coefficient, in[j + kShift], sum);
    }
    return sum;
  }

  template <int kPair, class Arithmetic, class Value>
  static HWY_INLINE constexpr void InPair(Arithmetic& on, const Value (&in)[kT], Value (&out)[kT]) {
    if constexpr (kPair < kPairs) {
      constexpr int kAt = kPoints.pair(kPair);
      constexpr Polynomial<double> kOthers = kPoints.product_without(kAt, kAt + 1);
      const Value even = Evaluate<kT - 3, 1>(on, kOthers, in);  // x R
      const Value odd = Evaluate<kT - 3, 0>(on, kOthers, in);   // R
      const double a = kPoints.values[static_cast<std::size_t>(kAt)];
      out[kAt] = on.MulAdd(a, odd, even);
      out[kAt + 1] = on.NegMulAdd(a, odd, even);
      InPair<kPair + 1>(on, in, out);
    }
  }
};

// An axis that is left as it is.
template <>
struct AxisTransform<1, 1> {
  static constexpr int kM = 1;
  static constexpr int kR = 1;
  static constexpr int kT = 1;

  template <class Arithmetic, class Value = typename Arithmetic::Value>
  static HWY_INLINE constexpr void In(Arithmetic& /*on*/, const Value (&in)[1], Value (&out)[1]) {
    out[0] = in[0];
  }
  template <class Arithmetic, class Value = typename Arithmetic::Value>
  static HWY_INLINE constexpr void Out(Arithmetic& /*on*/, const Value (&in)[1], Value (&out)[1]) {
    out[0] = in[0];
  }
};

// Operations of the transforms of a tile, both ways: all columns down, then all rows across.
template <class Down, class Across>
constexpr int OperationsIn() {
  CountingArithmetic down;
  CountingArithmetic across;
  constexpr CountingArithmetic::Value kColumn[Down::kT] = {};
  constexpr CountingArithmetic::Value kRow[Across::kT] = {};
  CountingArithmetic::Value column[Down::kT] = {};
  CountingArithmetic::Value row[Across::kT] = {};
  Down::In(down, kColumn, column);
  Across::In(across, kRow, row);
  return Across::kT * down.operations() + Down::kT * across.operations();
}
template <class Down, class Across>
constexpr int OperationsOut() {
  CountingArithmetic down;
  CountingArithmetic across;
  constexpr CountingArithmetic::Value kColumn[Down::kT] = {};
  constexpr CountingArithmetic::Value kRow[Across::kT] = {};
  CountingArithmetic::Value column[Down::kM] = {};
  CountingArithmetic::Value row[Across::kM] = {};
  Down::Out(down, kColumn, column);
  Across::Out(across, kRow, row);
  return Across::kT * down.operations() + Down::kM * across.operations();
}

}  // namespace HWY_NAMESPACE
}  // namespace plait::kernels
HWY_AFTER_NAMESPACE();

#endif  // include guard per target
