// NumPy's .npy files: one array of float32 or float64, read and written.
// Format: numpy.lib.format, versions 1.0, 2.0 and 3.0.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include <plait/tensor.hpp>

namespace plait::cli {

using Array = std::variant<Tensor<float>, Tensor<double>>;

const Dims& shape_of(const Array& array);

// The array in `bytes`, a whole file, in row-major order whatever the order in the file. Reads
// float32 and float64 under every name that numpy.dtype takes for them ('<f4', '>f8', '=f4', 'd',
// 'float32'), C and Fortran order, rank 0 to 4, and headers of Python 2 (3L).
// `name` stands in messages. Throws Error (Status::io) for anything else, and allocates no more
// than the file holds.
Array parse_npy(std::string_view bytes, const std::string& name);

// The bytes of a version 1.0 file: little-endian, C order.
template <class T>
std::string npy_bytes(const Tensor<T>& tensor);

bool looks_like_npy(std::string_view bytes);

}  // namespace plait::cli
