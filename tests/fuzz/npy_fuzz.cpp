// Any bytes are an array or an Error; an array written and read again has the same bits.
#include "io/npy.hpp"

#include <cstring>

#include "fuzz.hpp"

namespace plait::fuzz {
namespace {

template <class T>
void check_round_trip(const Tensor<T>& tensor) {
  const cli::Array again = cli::parse_npy(cli::npy_bytes(tensor), "written.npy");
  const auto* same_type = std::get_if<Tensor<T>>(&again);
  require(same_type != nullptr, "an array keeps its type");
  require(same_type->shape() == tensor.shape(), "an array keeps its shape");
  if (tensor.size() == 0) return;  // no memory to compare
  require(std::memcmp(same_type->data(), tensor.data(),
                      static_cast<std::size_t>(tensor.size()) * sizeof(T)) == 0,
          "an array keeps its bits");
}

void check(std::string_view bytes) {
  try {
    const cli::Array array = cli::parse_npy(bytes, "fuzz.npy");
    std::visit([](const auto& tensor) { check_round_trip(tensor); }, array);
  } catch (const Error& error) {
    check_error(error, Status::io);
  }
}

}  // namespace
}  // namespace plait::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  plait::fuzz::check(plait::fuzz::text_of(data, size));
  return 0;
}
