// Pictures as cameras and programs write them: every type of PNG, and EXIF orientations wherever
// the formats let them stand.
#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "io/image.hpp"
#include "pictures_support.hpp"
#include "support.hpp"

namespace plait::cli {
namespace {

// === PNG: colour types, depths, transparency and interlacing ===

// Odd sizes above 8, so that rows end within a byte and all seven passes of Adam7 have pixels.
constexpr int kW = 11;
constexpr int kH = 9;

struct PngType {
  const char* name;
  int bits;
  int type;
  bool transparency;  // a tRNS chunk
};

constexpr PngType kPngTypes[] = {
    {"grey_1", 1, PNG_COLOR_TYPE_GRAY, false},
    {"grey_2", 2, PNG_COLOR_TYPE_GRAY, false},
    {"grey_4", 4, PNG_COLOR_TYPE_GRAY, false},
    {"grey_8", 8, PNG_COLOR_TYPE_GRAY, false},
    {"grey_16", 16, PNG_COLOR_TYPE_GRAY, false},
    {"grey_1_tRNS", 1, PNG_COLOR_TYPE_GRAY, true},
    {"grey_2_tRNS", 2, PNG_COLOR_TYPE_GRAY, true},
    {"grey_4_tRNS", 4, PNG_COLOR_TYPE_GRAY, true},
    {"grey_8_tRNS", 8, PNG_COLOR_TYPE_GRAY, true},
    {"grey_16_tRNS", 16, PNG_COLOR_TYPE_GRAY, true},
    {"palette_1", 1, PNG_COLOR_TYPE_PALETTE, false},
    {"palette_2", 2, PNG_COLOR_TYPE_PALETTE, false},
    {"palette_4", 4, PNG_COLOR_TYPE_PALETTE, false},
    {"palette_8", 8, PNG_COLOR_TYPE_PALETTE, false},
    {"palette_1_tRNS", 1, PNG_COLOR_TYPE_PALETTE, true},
    {"palette_2_tRNS", 2, PNG_COLOR_TYPE_PALETTE, true},
    {"palette_4_tRNS", 4, PNG_COLOR_TYPE_PALETTE, true},
    {"palette_8_tRNS", 8, PNG_COLOR_TYPE_PALETTE, true},
    {"rgb_8", 8, PNG_COLOR_TYPE_RGB, false},
    {"rgb_16", 16, PNG_COLOR_TYPE_RGB, false},
    {"rgb_8_tRNS", 8, PNG_COLOR_TYPE_RGB, true},
    {"rgb_16_tRNS", 16, PNG_COLOR_TYPE_RGB, true},
    {"grey_alpha_8", 8, PNG_COLOR_TYPE_GRAY_ALPHA, false},
    {"grey_alpha_16", 16, PNG_COLOR_TYPE_GRAY_ALPHA, false},
    {"rgb_alpha_8", 8, PNG_COLOR_TYPE_RGB_ALPHA, false},
    {"rgb_alpha_16", 16, PNG_COLOR_TYPE_RGB_ALPHA, false},
};

int channels_of(int type) {
  if (type == PNG_COLOR_TYPE_RGB) return 3;
  if (type == PNG_COLOR_TYPE_RGB_ALPHA) return 4;
  return type == PNG_COLOR_TYPE_GRAY_ALPHA ? 2 : 1;
}

// The stored samples: both bytes of 16-bit ones vary, and every value of few bits occurs.
int sample(const PngType& type, int i, int j, int channel) {
  return (i * 2477 + j * 1291 + channel * 7919 + i * j) % (1 << type.bits);
}

png_color palette_colour(int index) {
  const auto byte = [index](int step) { return static_cast<png_byte>((index + 1) * step % 256); };
  return {byte(37), byte(101), byte(173)};
}

int palette_alpha(int index) { return index * 51 % 256; }

PngPicture picture_of(const PngType& type) {
  PngPicture picture{.w = kW, .h = kH, .bits = type.bits, .type = type.type, .rows = {}};
  const int channels = channels_of(type.type);
  for (int i = 0; i < kH; ++i) {
    std::vector<unsigned char> row(static_cast<std::size_t>((kW * channels * type.bits + 7) / 8));
    for (int k = 0; k < kW * channels; ++k) {
      const int value = sample(type, i, k / channels, k % channels);
      for (int bit = 0; bit < type.bits; ++bit) {  // from the highest, as PNG packs them
        const int at = k * type.bits + bit;
        const int set = value >> (type.bits - 1 - bit) & 1;
        row[static_cast<std::size_t>(at / 8)] |= static_cast<unsigned char>(set << (7 - at % 8));
      }
    }
    picture.rows.push_back(std::move(row));
  }
  if (type.type == PNG_COLOR_TYPE_PALETTE) {
    for (int index = 0; index < 1 << type.bits; ++index) {
      picture.palette.push_back(palette_colour(index));
      // The last colour has no entry: it is opaque.
      if (type.transparency && index + 1 < 1 << type.bits) {
        picture.alphas.push_back(static_cast<unsigned char>(palette_alpha(index)));
      }
    }
  } else if (type.transparency) {  // the colour of the pixel at row 2, column 3
    const auto value = [&](int channel) {
      return static_cast<png_uint_16>(sample(type, 2, 3, channel));
    };
    picture.transparent = png_color_16{0, value(0), value(1), value(2), value(0)};
  }
  return picture;
}

// What a reader should see, from the PNG specification's own words.
Rgb expected_pixel(const PngType& type, int i, int j) {
  const int channels = channels_of(type.type);
  const float largest = static_cast<float>((1 << type.bits) - 1);
  const auto value = [&](int channel) {
    return static_cast<float>(sample(type, i, j, channel)) / largest;
  };
  Rgb colour = {value(0), value(channels < 3 ? 0 : 1), value(channels < 3 ? 0 : 2)};
  float alpha = 1;
  if (type.type == PNG_COLOR_TYPE_PALETTE) {
    const int index = sample(type, i, j, 0);
    const png_color looked_up = palette_colour(index);
    colour = {static_cast<float>(looked_up.red) / 255, static_cast<float>(looked_up.green) / 255,
              static_cast<float>(looked_up.blue) / 255};
    const bool has_alpha = type.transparency && index + 1 < 1 << type.bits;
    if (has_alpha) alpha = static_cast<float>(palette_alpha(index)) / 255;
  } else if (type.type & PNG_COLOR_MASK_ALPHA) {
    alpha = value(channels - 1);
  } else if (type.transparency) {
    bool same = true;
    for (int c = 0; c < channels; ++c)
      same = same && sample(type, i, j, c) == sample(type, 2, 3, c);
    alpha = same ? 0 : 1;
  }
  for (float& part : colour) part = part * alpha + (1 - alpha);
  return colour;
}

class PngTypes : public testing::TestWithParam<std::tuple<PngType, bool>> {};

TEST_P(PngTypes, AreReadPixelByPixel) {
  const auto& [type, interlaced] = GetParam();
  PngPicture picture = picture_of(type);
  picture.interlaced = interlaced;
  const Tensor<float> x = decode_image(png_file(picture), "a.png");
  ASSERT_EQ(x.shape(), (Dims{3, kH, kW}));
  for (int i = 0; i < kH; ++i) {
    for (int j = 0; j < kW; ++j) {
      const Rgb expected = expected_pixel(type, i, j);
      for (int c = 0; c < 3; ++c) {
        ASSERT_NEAR(x(c, i, j), expected[static_cast<std::size_t>(c)], 1e-6)
            << "row " << i << ", column " << j << ", channel " << c;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, PngTypes,
                         testing::Combine(testing::ValuesIn(kPngTypes), testing::Bool()),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param).name) +
                                  (std::get<1>(info.param) ? "_interlaced" : "");
                         });

// === PNG: orientation ===

std::string png_of_quadrants(const std::string& exif, bool exif_last) {
  PngPicture picture{.w = kQuadrantsW, .h = kQuadrantsH, .rows = {}};
  const std::vector<unsigned char> samples = quadrant_samples();
  for (int i = 0; i < kQuadrantsH; ++i) {
    const auto row = samples.begin() + i * kQuadrantsW * 3;
    picture.rows.emplace_back(row, row + kQuadrantsW * 3);
  }
  picture.exif = exif;
  picture.exif_last = exif_last;
  return png_file(picture);
}

TEST(PngOrientation, IsAppliedBeforeAndBehindThePixels) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    for (const bool big_endian : {false, true}) {
      for (const bool last : {false, true}) {
        const std::string bytes = png_of_quadrants(exif_directory(orientation, big_endian), last);
        const Tensor<float> x = decode_image(bytes, "a.png");
        EXPECT_EQ(quadrants(x), kTurnedQuadrants[orientation])
            << "orientation " << orientation << ", big-endian " << big_endian << ", last " << last;
        EXPECT_EQ(x.size(1), orientation < 5 ? kQuadrantsH : kQuadrantsW);
      }
    }
  }
}

TEST(PngOrientation, IsUprightWhereTheDataAreNoDirectory) {
  const std::string good = exif_directory(6, false);
  for (const std::string& exif :
       {std::string("II"), std::string("II*\0\xff\xff\xff\xff", 8), good.substr(0, 12),
        std::string("XX") + good.substr(2), exif_directory(9, true), exif_directory(0, true)}) {
    EXPECT_EQ(quadrants(decode_image(png_of_quadrants(exif, true), "a.png")), "rgbw");
  }
}

TEST(PngOrientation, RefusesAChunkThatClaimsMoreThanTheFile) {
  const std::string exif = exif_directory(6, false);
  std::string bytes = png_of_quadrants(exif, false);
  bytes.replace(bytes.find("eXIf") - 4, 4, "\x7f\xff\xff\xff");
  EXPECT_EQ(error_of([&] { decode_image(bytes, "a.png"); }),
            "a.png: corrupt PNG: the file is truncated");
}

// === JPEG: orientation ===

// Segments that cameras and programs put into a file.
const std::string kComment = jpeg_segment(0xfe, "made by hand");
const std::string kJfif = jpeg_segment(0xe0, std::string("JFIF\0\1\1\0\0\1\0\1\0\0", 14));
const std::string kProfile = jpeg_segment(0xe2, std::string("ICC_PROFILE\0\1\1", 14) + "profile");
const std::string kPhotoshop = jpeg_segment(0xed, std::string("Photoshop 3.0\0", 14));
const std::string kXmp =
    jpeg_segment(0xe1, std::string("http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>", 41));

struct Order {
  const char* name;
  std::string before;  // what stands between the file's start and EXIF
  bool after_tables = false;
  std::string after = "";
};

const Order kOrders[] = {
    {"first", ""},
    {"after_jfif", kJfif},
    {"after_a_comment", kComment},
    {"after_jfif_and_a_comment", kJfif + kComment},
    {"after_jfif_and_a_profile", kJfif + kProfile},
    {"after_xmp", kXmp},
    {"before_xmp", "", false, kXmp},
    {"after_photoshop", kPhotoshop},
    {"after_all", kComment + kJfif + kProfile + kXmp + kPhotoshop},
    {"after_the_tables", "", true},
};

class JpegOrders : public testing::TestWithParam<Order> {};

TEST_P(JpegOrders, ApplyEveryOrientation) {
  const Order& order = GetParam();
  const std::string plain = jpeg_file();
  const std::size_t at = order.after_tables ? start_of_scan(plain) : 2;
  for (int orientation = 0; orientation <= 8; ++orientation) {
    for (const bool big_endian : {false, true}) {
      const std::string exif = orientation == 0 ? "" : exif_segment(orientation, big_endian);
      const Tensor<float> x =
          decode_image(with_bytes_at(plain, at, order.before + exif + order.after), "a.jpg");
      EXPECT_EQ(quadrants(x), kTurnedQuadrants[orientation]) << "orientation " << orientation;
      EXPECT_EQ(x.shape(), (orientation < 5 ? Dims{3, kQuadrantsH, kQuadrantsW}
                                            : Dims{3, kQuadrantsW, kQuadrantsH}));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, JpegOrders, testing::ValuesIn(kOrders),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(JpegOrientation, IsThatOfTheFirstDataBeforeThePixels) {
  const std::string plain = jpeg_file();
  const std::string two = with_bytes_at(plain, 2, exif_segment(6) + exif_segment(3));
  EXPECT_EQ(quadrants(decode_image(two, "a.jpg")), kTurnedQuadrants[6]);
  const std::string late = with_bytes_at(plain, plain.size() - 2, exif_segment(6));
  EXPECT_EQ(quadrants(decode_image(late, "a.jpg")), "rgbw");
}

TEST(JpegOrientation, IsUprightWhereTheDataAreNoDirectory) {
  const std::string header("Exif\0\0", 6);
  const std::string good = exif_directory(6, false);
  std::string many_entries = good;
  many_entries[8] = many_entries[9] = '\xff';
  for (const std::string& data :
       {header.substr(0, 5), header, header + "II", header + good.substr(0, 12),
        header + std::string("II*\0\xff\xff\xff\xff", 8), "exif" + good, good}) {
    const std::string bytes = with_bytes_at(jpeg_file(), 2, jpeg_segment(0xe1, data));
    EXPECT_EQ(quadrants(decode_image(bytes, "a.jpg")), "rgbw");
  }
  // The one entry that is there still counts.
  const std::string bytes =
      with_bytes_at(jpeg_file(), 2, jpeg_segment(0xe1, header + many_entries));
  EXPECT_EQ(quadrants(decode_image(bytes, "a.jpg")), kTurnedQuadrants[6]);
}

TEST(JpegOrientation, RefusesASegmentThatClaimsMoreThanTheFile) {
  std::string bytes = with_bytes_at(jpeg_file(), 2, exif_segment(6));
  bytes[4] = bytes[5] = '\xff';
  EXPECT_CONTAINS(error_of([&] { decode_image(bytes, "a.jpg"); }), "a.jpg: corrupt JPEG: ");
}

// === JPEG: what is recovered from, and what is not ===

std::string recovery(const std::string& bytes, const Tensor<float>& expected) {
  std::vector<std::string> notes;
  const Tensor<float> x = decode_image(bytes, "a.jpg", kMaxPixels, &notes);
  EXPECT_EQ(x.shape(), expected.shape());
  EXPECT_TRUE(std::equal(x.begin(), x.end(), expected.begin(), expected.end()));
  EXPECT_EQ(decode_image(bytes, "a.jpg").shape(),
            expected.shape());  // who does not ask is not told
  return notes.size() == 1 ? notes[0] : std::to_string(notes.size()) + " notes";
}

TEST(Jpeg, SkipsExtraneousBytesBetweenSegmentsWithANote) {
  const std::string plain = jpeg_file();
  const Tensor<float> expected = decode_image(plain, "a.jpg");
  const std::string early = with_bytes_at(plain, start_of_scan(plain), "abc");
  EXPECT_EQ(recovery(early, expected),
            "a.jpg: decoded in spite of a warning: "
            "Corrupt JPEG data: 3 extraneous bytes before marker 0xda");
  const std::string twice = with_bytes_at(early, 2, "de");
  EXPECT_EQ(recovery(twice, expected),
            "a.jpg: decoded in spite of a warning: "
            "Corrupt JPEG data: 2 extraneous bytes before marker 0xdb, and 1 more");
  EXPECT_EQ(recovery(plain, expected), "0 notes");
}

TEST(Jpeg, TellsOfSkippedBytesInTheRun) {
  const TempFolder folder;
  const std::string plain = jpeg_file();
  const std::string path = folder.file("a.jpg", with_bytes_at(plain, start_of_scan(plain), "abc"));
  const Outcome run = run_plait({"run", "--input", path, "--kernel", "edges"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_CONTAINS(run.out, "note      " + path + ": decoded in spite of a warning: ");
}

TEST(Jpeg, RefusesDataThatLackPixels) {
  const std::string plain = jpeg_file();
  // A marker amid the scan: the library would fill up the rest with grey.
  const std::string cut = with_bytes_at(plain, plain.size() - 12, "\xff\xd9");
  EXPECT_EQ(error_of([&] { decode_image(cut, "a.jpg"); }),
            "a.jpg: corrupt JPEG: Corrupt JPEG data: premature end of data segment");
}

TEST(Jpeg, RefusesMoreScansThanAnyEncoderWrites) {
  // One grey block in a scan per coefficient and bit: 1 + 63 * 9.
  std::vector<jpeg_scan_info> scans = {{1, {0}, 0, 0, 0, 0}};
  for (int coefficient = 1; coefficient < 64; ++coefficient) {
    scans.push_back({1, {0}, coefficient, coefficient, 0, 8});
    for (int bit = 7; bit >= 0; --bit) {
      scans.push_back({1, {0}, coefficient, coefficient, bit + 1, bit});
    }
  }
  const auto file_of = [](std::vector<jpeg_scan_info> first) {
    return jpeg_file({.w = 8,
                      .h = 8,
                      .channels = 1,
                      .given = JCS_GRAYSCALE,
                      .stored = JCS_GRAYSCALE,
                      .samples = std::vector<unsigned char>(64, 90),
                      .scans = std::move(first)});
  };
  EXPECT_EQ(error_of([&] { decode_image(file_of(scans), "a.jpg"); }),
            "a.jpg: corrupt JPEG: the progressive JPEG has more than 500 scans");
  scans.resize(500);
  EXPECT_NEAR(decode_image(file_of(scans), "a.jpg")(0, 4, 4), 90.0 / 255, 0.01);
}

}  // namespace
}  // namespace plait::cli
