// Any bytes are a picture with values from 0 to 1, or an Error.
#include "io/image.hpp"

#include "fuzz.hpp"

namespace plait::fuzz {
namespace {

// A file of a few bytes can claim, and hold, as many pixels as the reader allows; with the
// program's own limit one input could take seconds and gigabytes.
constexpr std::int64_t kFuzzPixels = 1 << 16;

void check(std::string_view bytes) {
  try {
    const Tensor<float> x = cli::decode_image(bytes, "fuzz", kFuzzPixels);
    require(x.rank() == 3 && x.size(0) == 3, "a picture is 3 x h x w");
    require(x.size() > 0 && x.size() / 3 <= kFuzzPixels, "a picture keeps to the limit of pixels");
    for (const float value : x) require(value >= 0 && value <= 1, "values are from 0 to 1");
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
