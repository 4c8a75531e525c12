// The chapter's functions, which run the same engine under the chapter's names and shapes.
#include <plait/corr2d.hpp>

#include <plait/conv2d.hpp>

namespace plait {
namespace {

template <class T>
void check_rank(const char* name, TensorView<const T> view, int rank, const char* axes) {
  if (view.data() == nullptr || view.rank() != rank) {
    throw Error(Status::invalid_argument,
                std::string(name) + " must be " + axes + " but is " +
                    (view.data() == nullptr ? "missing" : to_string(view.shape())));
  }
}

// A view with axes of size 1 put in front.
template <class T>
TensorView<const T> with_rank(TensorView<const T> view, int rank) {
  Dims shape;
  Dims strides;
  for (int axis = view.rank(); axis < rank; ++axis) {
    shape.push_back(1);
    strides.push_back(0);
  }
  for (int axis = 0; axis < view.rank(); ++axis) {
    shape.push_back(view.size(axis));
    strides.push_back(view.strides()[axis]);
  }
  return {view.data(), shape, strides};
}

// The single map of a 1 x h' x w' result.
template <class T>
Tensor<T> only_map(const Tensor<T>& maps) {
  return dense_copy(TensorView<const T>(maps.data(), {maps.size(1), maps.size(2)}));
}

}  // namespace

template <class T>
Tensor<T> corr2d(TensorView<const T> x, TensorView<const T> weight, int threads) {
  check_rank("x", x, 2, "h x w");
  check_rank("weight", weight, 2, "k_h x k_w");
  return only_map(conv2d<T>(with_rank(x, 3), with_rank(weight, 4), {.threads = threads}));
}

template <class T>
Tensor<T> corr2d_multi_in(TensorView<const T> x, TensorView<const T> weight, int threads) {
  check_rank("x", x, 3, "c_i x h x w");
  check_rank("weight", weight, 3, "c_i x k_h x k_w");
  return only_map(conv2d<T>(x, with_rank(weight, 4), {.threads = threads}));
}

template <class T>
Tensor<T> corr2d_multi_in_out(TensorView<const T> x, TensorView<const T> weight, int threads) {
  return conv2d<T>(x, weight, {.threads = threads});
}

template <class T>
Tensor<T> corr2d_multi_in_out_1x1(TensorView<const T> x, TensorView<const T> weight, int threads) {
  if (weight.data() != nullptr && weight.rank() == 2) {
    weight = {weight.data(),
              {weight.size(0), weight.size(1), 1, 1},
              {weight.strides()[0], weight.strides()[1], 1, 1}};
  }
  if (weight.data() == nullptr || weight.rank() != 4 || weight.size(2) != 1 ||
      weight.size(3) != 1) {
    throw Error(Status::invalid_argument,
                "weight must be c_o x c_i or c_o x c_i x 1 x 1 but is " +
                    (weight.data() == nullptr ? "missing" : to_string(weight.shape())));
  }
  return conv2d<T>(x, weight, {.threads = threads});
}

template Tensor<float> corr2d(TensorView<const float>, TensorView<const float>, int);
template Tensor<double> corr2d(TensorView<const double>, TensorView<const double>, int);
template Tensor<float> corr2d_multi_in(TensorView<const float>, TensorView<const float>, int);
template Tensor<double> corr2d_multi_in(TensorView<const double>, TensorView<const double>, int);
template Tensor<float> corr2d_multi_in_out(TensorView<const float>, TensorView<const float>, int);
template Tensor<double> corr2d_multi_in_out(TensorView<const double>, TensorView<const double>,
                                            int);
template Tensor<float> corr2d_multi_in_out_1x1(TensorView<const float>, TensorView<const float>,
                                               int);
template Tensor<double> corr2d_multi_in_out_1x1(TensorView<const double>, TensorView<const double>,
                                                int);

}  // namespace plait
