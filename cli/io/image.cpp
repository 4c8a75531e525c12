#include "io/image.hpp"

// libjpeg's header needs these two before it.
#include <cstddef>
#include <cstdio>

#include <jpeglib.h>

#include <jerror.h>
#include <libexif/exif-data.h>
#include <png.h>

#include <csetjmp>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include <plait/error.hpp>

namespace plait::cli {
namespace {

[[noreturn]] void fail_picture(const std::string& name, const std::string& what) {
  throw Error(Status::io, name + ": " + what);
}

void check_size(const std::string& name, std::int64_t w, std::int64_t h, std::int64_t max_pixels) {
  if (w <= 0 || h <= 0) fail_picture(name, "the image has no pixels");
  if (w > max_pixels / h) {
    fail_picture(name, "the image is " + std::to_string(w) + " x " + std::to_string(h) +
                           " pixels; plait reads up to " + std::to_string(max_pixels) + " pixels");
  }
}

// What EXIF data (CIPA DC-008) begin with in a JPEG; a TIFF directory follows.
constexpr std::string_view kExifHeader("Exif\0\0", 6);

// The orientation that EXIF data, with their header, give; 1, upright, when they give none.
int exif_orientation(std::string_view block) {
  const std::unique_ptr<ExifData, decltype(&exif_data_unref)> exif(
      exif_data_new_from_data(reinterpret_cast<const unsigned char*>(block.data()),
                              static_cast<unsigned>(block.size())),
      &exif_data_unref);
  if (!exif) return 1;
  const ExifEntry* entry = exif_content_get_entry(exif->ifd[EXIF_IFD_0], EXIF_TAG_ORIENTATION);
  if (entry == nullptr || entry->format != EXIF_FORMAT_SHORT || entry->size < 2) return 1;
  return exif_get_short(entry->data, exif_data_get_byte_order(exif.get()));
}

// Everything libpng's error jump must not lose lives here, outside the function that calls setjmp.
struct PngReader {
  std::string_view bytes;
  std::size_t position = 0;
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::jmp_buf on_error;
  char message[160] = "";
  std::int64_t w = 0;
  std::int64_t h = 0;
  std::vector<std::uint16_t> samples;  // h x w x 4: red, green, blue, alpha, 0...65535
  std::vector<png_bytep> rows;
  png_uint_32 exif_size = 0;
  png_bytep exif = nullptr;  // of `info`; a TIFF directory without kExifHeader

  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
};

PngReader& reader_of(png_structp png) { return *static_cast<PngReader*>(png_get_error_ptr(png)); }

void on_png_error(png_structp png, png_const_charp message) {
  PngReader& reader = reader_of(png);
  std::strncpy(reader.message, message, sizeof(reader.message) - 1);
  std::longjmp(reader.on_error, 1);
}

void on_png_warning(png_structp, png_const_charp) {}

void read_png_bytes(png_structp png, png_bytep out, std::size_t count) {
  PngReader& reader = *static_cast<PngReader*>(png_get_io_ptr(png));
  if (count > reader.bytes.size() - reader.position) png_error(png, "the file is truncated");
  std::memcpy(out, reader.bytes.data() + reader.position, count);
  reader.position += count;
  // A chunk begins with its length. libpng sets aside up to 2 GiB for some chunks on the word of
  // that, and its own limit on it is no more than a warning.
  if ((png_get_io_state(png) & PNG_IO_MASK_LOC) == PNG_IO_CHUNK_HDR && count >= 4 &&
      png_get_uint_32(out) > reader.bytes.size() - reader.position) {
    png_error(png, "the file is truncated");
  }
}

// This takes libpng's full interface: the simplified one gives 16-bit samples only after a
// conversion to linear light. setjmp needs a function without destructors of its own, hence the two
// steps, each returning false when libpng has jumped.
bool read_png_header(PngReader& reader) {
  if (setjmp(reader.on_error) != 0) return false;
  png_set_read_fn(reader.png, &reader, read_png_bytes);
  // check_size judges instead, with a better message.
  png_set_user_limits(reader.png, 0x7fffffff, 0x7fffffff);
  // Texts, profiles and the like are skipped: a few bytes of them can unpack to very many. The only
  // one that is read is EXIF data, for the orientation.
  png_set_keep_unknown_chunks(reader.png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  const png_byte exif[] = "eXIf";
  png_set_keep_unknown_chunks(reader.png, PNG_HANDLE_CHUNK_AS_DEFAULT, exif, 1);
  png_read_info(reader.png, reader.info);
  reader.w = png_get_image_width(reader.png, reader.info);
  reader.h = png_get_image_height(reader.png, reader.info);
  return true;
}

bool read_png_pixels(PngReader& reader) {
  if (setjmp(reader.on_error) != 0) return false;
  png_set_expand_16(reader.png);  // palettes, 1 to 8 bits and transparent colours: to 16 bits
  png_set_gray_to_rgb(reader.png);
  png_set_add_alpha(reader.png, 0xffff, PNG_FILLER_AFTER);
  png_set_swap(reader.png);  // PNG is big-endian
  png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  if (png_get_rowbytes(reader.png, reader.info) != static_cast<std::size_t>(reader.w) * 8) {
    png_error(reader.png, "an unexpected pixel format");
  }
  png_read_image(reader.png, reader.rows.data());
  png_read_end(reader.png, reader.info);  // EXIF data may come behind the pixels
  png_get_eXIf_1(reader.png, reader.info, &reader.exif_size, &reader.exif);
  return true;
}

Tensor<float> decode_png(std::string_view bytes, const std::string& name, std::int64_t max_pixels) {
  PngReader reader;
  reader.bytes = bytes;
  reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, on_png_error, on_png_warning);
  if (reader.png != nullptr) reader.info = png_create_info_struct(reader.png);
  if (reader.info == nullptr) throw std::bad_alloc();
  if (!read_png_header(reader)) fail_picture(name, std::string("corrupt PNG: ") + reader.message);
  check_size(name, reader.w, reader.h, max_pixels);

  const std::size_t row = static_cast<std::size_t>(reader.w) * 4;
  reader.samples.resize(row * static_cast<std::size_t>(reader.h));
  for (std::int64_t i = 0; i < reader.h; ++i) {
    reader.rows.push_back(
        reinterpret_cast<png_bytep>(reader.samples.data() + row * static_cast<std::size_t>(i)));
  }
  if (!read_png_pixels(reader)) fail_picture(name, std::string("corrupt PNG: ") + reader.message);

  Tensor<float> x({3, reader.h, reader.w});
  const std::uint16_t* in = reader.samples.data();
  for (std::int64_t i = 0; i < reader.h; ++i) {
    for (std::int64_t j = 0; j < reader.w; ++j, in += 4) {
      const float alpha = static_cast<float>(in[3]) / 65535.0f;
      for (std::int64_t c = 0; c < 3; ++c) {
        const float value = static_cast<float>(in[c]) / 65535.0f;
        x(c, i, j) = in[3] == 65535 ? value : value * alpha + (1.0f - alpha);
      }
    }
  }
  if (reader.exif == nullptr) return x;
  const std::string_view directory(reinterpret_cast<const char*>(reader.exif), reader.exif_size);
  return upright(std::move(x), exif_orientation(std::string(kExifHeader).append(directory)));
}

// Everything that libjpeg's error jump must not lose, as PngReader has it for libpng.
struct JpegReader {
  jpeg_decompress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf on_error;
  char message[JMSG_LENGTH_MAX] = "";
  char first_warning[JMSG_LENGTH_MAX] = "";
  std::int64_t warnings = 0;
  std::vector<unsigned char> row;  // w x 3: red, green, blue
  Tensor<float> x;

  ~JpegReader() { jpeg_destroy_decompress(&jpeg); }
};

JpegReader& reader_of(j_common_ptr jpeg) { return *static_cast<JpegReader*>(jpeg->client_data); }

void on_jpeg_error(j_common_ptr jpeg) {
  JpegReader& reader = reader_of(jpeg);
  jpeg->err->format_message(jpeg, reader.message);
  std::longjmp(reader.on_error, 1);
}

// libjpeg invents what damaged or truncated data lack, and calls that a warning; here it is an
// error. Bytes between two segments that belong to neither are skipped: no pixel is lost by them.
void on_jpeg_message(j_common_ptr jpeg, int level) {
  if (level >= 0) return;  // a trace
  if (jpeg->err->msg_code != JWRN_EXTRANEOUS_DATA) on_jpeg_error(jpeg);
  JpegReader& reader = reader_of(jpeg);
  if (reader.warnings++ == 0) jpeg->err->format_message(jpeg, reader.first_warning);
}

// Each scan goes through all pixels again, and a few bytes are enough for one: more than any
// encoder writes are an attack (https://libjpeg-turbo.org/About/Security, "Progressive JPEG").
void on_jpeg_progress(j_common_ptr jpeg) {
  constexpr int kMaxScans = 500;
  if (reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number <= kMaxScans) return;
  JpegReader& reader = reader_of(jpeg);
  std::strcpy(reader.message, "the progressive JPEG has more than 500 scans");
  std::longjmp(reader.on_error, 1);
}

std::string_view bytes_of(const jpeg_marker_struct& marker) {
  return {reinterpret_cast<const char*>(marker.data), marker.data_length};
}

bool read_jpeg_header(JpegReader& reader, std::string_view bytes) {
  if (setjmp(reader.on_error) != 0) return false;
  jpeg_create_decompress(&reader.jpeg);
  reader.jpeg.progress = &reader.progress;
  jpeg_mem_src(&reader.jpeg, reinterpret_cast<const unsigned char*>(bytes.data()),
               static_cast<unsigned long>(bytes.size()));
  // EXIF data and XMP share APP1, in any order among the other segments before the pixels.
  jpeg_save_markers(&reader.jpeg, JPEG_APP0 + 1, 0xffff);
  jpeg_read_header(&reader.jpeg, TRUE);
  return true;
}

int jpeg_orientation(const JpegReader& reader) {
  for (auto* marker = reader.jpeg.marker_list; marker != nullptr; marker = marker->next) {
    const std::string_view block = bytes_of(*marker);
    if (block.starts_with(kExifHeader)) return exif_orientation(block);
  }
  return 1;
}

bool read_jpeg_pixels(JpegReader& reader) {
  if (setjmp(reader.on_error) != 0) return false;
  reader.jpeg.out_color_space = JCS_RGB;
  reader.jpeg.dct_method = JDCT_ISLOW;  // the accurate one
  jpeg_start_decompress(&reader.jpeg);
  while (reader.jpeg.output_scanline < reader.jpeg.output_height) {
    const std::int64_t i = reader.jpeg.output_scanline;
    JSAMPROW row = reader.row.data();
    jpeg_read_scanlines(&reader.jpeg, &row, 1);
    for (std::int64_t j = 0; j < reader.x.size(2); ++j, row += 3) {
      for (std::int64_t c = 0; c < 3; ++c) {
        reader.x(c, i, j) = static_cast<float>(row[c]) / 255.0f;
      }
    }
  }
  jpeg_finish_decompress(&reader.jpeg);
  return true;
}

Tensor<float> decode_jpeg(std::string_view bytes, const std::string& name, std::int64_t max_pixels,
                          std::vector<std::string>* notes) {
  JpegReader reader;
  reader.jpeg.err = jpeg_std_error(&reader.errors);
  reader.jpeg.client_data = &reader;
  reader.errors.error_exit = on_jpeg_error;
  reader.errors.emit_message = on_jpeg_message;
  reader.progress.progress_monitor = on_jpeg_progress;
  if (!read_jpeg_header(reader, bytes)) {
    fail_picture(name, std::string("corrupt JPEG: ") + reader.message);
  }
  if (reader.jpeg.jpeg_color_space == JCS_CMYK || reader.jpeg.jpeg_color_space == JCS_YCCK) {
    fail_picture(name, "the JPEG has CMYK colours; convert it to RGB first");
  }
  const std::int64_t h = reader.jpeg.image_height;
  const std::int64_t w = reader.jpeg.image_width;
  check_size(name, w, h, max_pixels);
  // Before the pixels: what comes later, between scans, does not count.
  const int orientation = jpeg_orientation(reader);
  reader.row.resize(static_cast<std::size_t>(w) * 3);
  reader.x = Tensor<float>({3, h, w});
  if (!read_jpeg_pixels(reader)) {
    fail_picture(name, std::string("corrupt JPEG: ") + reader.message);
  }
  if (reader.warnings > 0 && notes != nullptr) {
    std::string note = name + ": decoded in spite of a warning: " + reader.first_warning;
    if (reader.warnings > 1) note += ", and " + std::to_string(reader.warnings - 1) + " more";
    notes->push_back(std::move(note));
  }
  return upright(std::move(reader.x), orientation);
}

}  // namespace

bool looks_like_png(std::string_view bytes) { return bytes.starts_with("\x89PNG"); }
bool looks_like_jpeg(std::string_view bytes) { return bytes.starts_with("\xff\xd8"); }

Tensor<float> upright(Tensor<float> x, int orientation) {
  if (orientation < 2 || orientation > 8) return x;
  const std::int64_t h = x.size(1);
  const std::int64_t w = x.size(2);
  // 5 to 8 exchange rows and columns. Then each axis of the stored picture may run backwards.
  const bool transposed = orientation >= 5;
  const bool rows_backwards =
      orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
  const bool columns_backwards =
      orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
  Tensor<float> y(transposed ? Dims{3, w, h} : Dims{3, h, w});
  for (std::int64_t c = 0; c < 3; ++c) {
    for (std::int64_t i = 0; i < y.size(1); ++i) {
      for (std::int64_t j = 0; j < y.size(2); ++j) {
        const std::int64_t a = rows_backwards ? y.size(1) - 1 - i : i;
        const std::int64_t b = columns_backwards ? y.size(2) - 1 - j : j;
        y(c, i, j) = transposed ? x(c, b, a) : x(c, a, b);
      }
    }
  }
  return y;
}

Tensor<float> decode_image(std::string_view bytes, const std::string& name, std::int64_t max_pixels,
                           std::vector<std::string>* notes) {
  if (looks_like_png(bytes)) return decode_png(bytes, name, max_pixels);
  if (looks_like_jpeg(bytes)) return decode_jpeg(bytes, name, max_pixels, notes);
  fail_picture(name, "is neither a JPEG nor a PNG image");
}

}  // namespace plait::cli
