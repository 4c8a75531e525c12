// The data of the cases of `verify`.
#pragma once

#include <plait/tensor.hpp>

#include "analysis/verify/random_case.hpp"

namespace plait {

// Fills x and weight with data of this kind. T is float or double.
template <class T>
void fill_operands(DataKind kind, Tensor<T>& x, Tensor<T>& weight, Random& random);

extern template void fill_operands(DataKind, Tensor<float>&, Tensor<float>&, Random&);
extern template void fill_operands(DataKind, Tensor<double>&, Tensor<double>&, Random&);

}  // namespace plait
