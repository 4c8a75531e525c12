// Pictures in every flavour come out as the same kind of tensor: 3 x h x w, 0 to 1, upright.
#include "io/image.hpp"

#include <zlib.h>

#include <string>
#include <vector>

#include "pictures_support.hpp"
#include "support.hpp"

namespace plait::cli {
namespace {

TEST(Png, ReadsRgb) {
  const Tensor<float> x =
      decode_image(png_of(2, 1, PNG_FORMAT_RGB, {255, 0, 0, 51, 102, 204}), "a.png");
  EXPECT_EQ(x.shape(), (Dims{3, 1, 2}));
  EXPECT_EQ(pixel(x, 0, 0), kRed);
  EXPECT_EQ(pixel(x, 0, 1), (Rgb{51.0f / 255, 102.0f / 255, 204.0f / 255}));
}

TEST(Png, ReadsGreyAsThreeEqualChannels) {
  const Tensor<float> x = decode_image(png_of(1, 1, PNG_FORMAT_GRAY, {51}), "a.png");
  for (int c = 0; c < 3; ++c) EXPECT_FLOAT_EQ(x(c, 0, 0), 0.2f);
}

TEST(Png, CompositesAlphaOverWhite) {
  const Tensor<float> x = decode_image(
      png_of(3, 1, PNG_FORMAT_RGBA, {255, 0, 0, 255, 255, 0, 0, 0, 0, 0, 255, 51}), "a.png");
  EXPECT_EQ(pixel(x, 0, 0), kRed);
  EXPECT_EQ(pixel(x, 0, 1), kWhite);
  EXPECT_FLOAT_EQ(x(0, 0, 2), 0.8f);
  EXPECT_FLOAT_EQ(x(2, 0, 2), 1.0f);
  const Tensor<float> grey = decode_image(png_of(1, 1, PNG_FORMAT_GA, {0, 102}), "a.png");
  for (int c = 0; c < 3; ++c) EXPECT_FLOAT_EQ(grey(c, 0, 0), 0.6f);
}

// One row.
std::string png_with(int w, int bits, int type, const std::vector<unsigned char>& row,
                     const std::vector<png_color>& palette = {},
                     const std::vector<unsigned char>& alphas = {}) {
  return png_file({.w = w,
                   .h = 1,
                   .bits = bits,
                   .type = type,
                   .rows = {row},
                   .palette = palette,
                   .alphas = alphas});
}

TEST(Png, ReadsPalettesWithTransparency) {
  // Four 2-bit indices in one byte: 0, 1, 2, 0.
  const Tensor<float> x =
      decode_image(png_with(4, 2, PNG_COLOR_TYPE_PALETTE, {0b00'01'10'00},
                            {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}}, {255, 255, 0}),
                   "a.png");
  EXPECT_EQ(pixel(x, 0, 0), kRed);
  EXPECT_EQ(pixel(x, 0, 1), kGreen);
  EXPECT_EQ(pixel(x, 0, 2), kWhite);
  EXPECT_EQ(pixel(x, 0, 3), kRed);
}

TEST(Png, KeepsSixteenBits) {
  // 0x0001 and 0x8001: both would be lost or shifted in 8 bits.
  const Tensor<float> x =
      decode_image(png_with(2, 16, PNG_COLOR_TYPE_GRAY, {0x00, 0x01, 0x80, 0x01}), "a.png");
  for (int c = 0; c < 3; ++c) {
    EXPECT_FLOAT_EQ(x(c, 0, 0), 1.0f / 65535);
    EXPECT_FLOAT_EQ(x(c, 0, 1), 32769.0f / 65535);
  }
}

TEST(Png, ReadsOneBit) {
  const Tensor<float> x = decode_image(png_with(3, 1, PNG_COLOR_TYPE_GRAY, {0b01000000}), "a.png");
  EXPECT_EQ(x(0, 0, 0), 0.0f);
  EXPECT_EQ(x(0, 0, 1), 1.0f);
  EXPECT_EQ(x(0, 0, 2), 0.0f);
}

TEST(Png, RefusesEveryTruncationAndDamage) {
  const std::string whole = png_of(3, 2, PNG_FORMAT_RGB, std::vector<unsigned char>(18, 90));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    error_of([&] { decode_image(whole.substr(0, size), "a.png"); });
  }
  std::string damaged = whole;
  damaged[whole.find("IDAT") + 6] ^= 1;
  EXPECT_CONTAINS(error_of([&] { decode_image(damaged, "a.png"); }), "a.png: corrupt PNG: ");
}

void put_big_endian(std::string& bytes, std::size_t at, unsigned long value) {
  for (int byte = 0; byte < 4; ++byte) {
    bytes[at + static_cast<std::size_t>(byte)] = static_cast<char>(value >> (24 - 8 * byte) & 0xff);
  }
}

TEST(Png, RefusesAFileThatClaimsTooManyPixels) {
  std::string bytes = png_of(1, 1, PNG_FORMAT_RGB, {1, 2, 3});
  put_big_endian(bytes, 16, 200000);
  put_big_endian(bytes, 20, 200000);
  // The checksum of a chunk covers its name and data: here "IHDR" and 13 bytes.
  const auto* chunk = reinterpret_cast<const unsigned char*>(bytes.data() + 12);
  put_big_endian(bytes, 29, crc32(0, chunk, 17));
  EXPECT_CONTAINS(error_of([&] { decode_image(bytes, "a.png"); }),
                  "200000 x 200000 pixels; plait reads up to");
}

TEST(Jpeg, IgnoresAnOrientationThatDoesNotExist) {
  const std::string bytes = with_bytes_at(jpeg_file(), 2, exif_segment(9));
  EXPECT_EQ(quadrants(decode_image(bytes, "a.jpg")), "rgbw");
}

TEST(Jpeg, RefusesTruncation) {
  const std::string whole = with_bytes_at(jpeg_file(), 2, exif_segment(6));
  for (std::size_t size = 2; size < whole.size(); ++size) {
    error_of([&] { decode_image(whole.substr(0, size), "a.jpg"); });
  }
}

TEST(Jpeg, RefusesCmyk) {
  for (const J_COLOR_SPACE stored : {JCS_CMYK, JCS_YCCK}) {
    const std::string bytes = jpeg_file({.w = 16,
                                         .h = 16,
                                         .channels = 4,
                                         .given = JCS_CMYK,
                                         .stored = stored,
                                         .samples = std::vector<unsigned char>(16 * 16 * 4, 100)});
    EXPECT_EQ(error_of([&] { decode_image(bytes, "a.jpg"); }),
              "a.jpg: the JPEG has CMYK colours; convert it to RGB first");
  }
}

TEST(Image, RefusesOtherFormatsByName) {
  EXPECT_CONTAINS(error_of([] { decode_image("GIF89a...", "a.gif"); }),
                  "a.gif: is neither a JPEG nor a PNG image");
}

}  // namespace
}  // namespace plait::cli
