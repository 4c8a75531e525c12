// Reads photographs: PNG and JPEG files as tensors.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <plait/tensor.hpp>

namespace plait::cli {

// More pixels than this are refused unless the caller says otherwise: 64 Mi pixels are 768 MiB as
// three f32 channels. A few bytes of PNG can claim any size.
inline constexpr std::int64_t kMaxPixels = std::int64_t{1} << 26;

// A PNG or JPEG file's bytes as 3 x h x w (red, green, blue), the file's sample values scaled from
// 0...255 (or 0...65535) to 0...1, without any gamma conversion. Grey becomes three equal channels;
// palettes are looked up; alpha is composited over white; the picture is rotated upright as its
// EXIF orientation says (a JPEG's APP1 segment before the pixels, the first if there are several; a
// PNG's eXIf chunk). `name` stands in messages. Throws Error (Status::io) when the bytes are
// neither format, corrupt, truncated, or of more than `max_pixels` pixels. A JPEG with bytes
// between its segments that belong to none is decoded without them, and `notes`, if given, gets a
// sentence about it.
Tensor<float> decode_image(std::string_view bytes, const std::string& name,
                           std::int64_t max_pixels = kMaxPixels,
                           std::vector<std::string>* notes = nullptr);

bool looks_like_png(std::string_view bytes);
bool looks_like_jpeg(std::string_view bytes);

// x[c, h, w] rotated or flipped as EXIF orientation 1 to 8 says (TIFF 6.0, tag 0x0112): the picture
// as it was meant to be seen. Other values leave it as it is.
Tensor<float> upright(Tensor<float> x, int orientation);

}  // namespace plait::cli
