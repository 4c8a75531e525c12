#include "io/npy.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>

namespace plait::cli {
namespace {

constexpr std::string_view kMagic("\x93NUMPY", 6);

// What the header's Python dictionary says, e.g.
//   {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
struct Header {
  std::string descr;
  bool fortran_order = false;
  Dims shape;
};

// Reads the dictionaries that numpy writes and wrote: three known keys, each once, in any order. Up
// to version 2.0 they may come from Python 2, which wrote integers as 3L.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, int major, const std::string& name)
      : text_(text), long_integers_(major <= 2), name_(name) {}

  Header parse() {
    Header header;
    bool has_descr = false;
    bool has_order = false;
    bool has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = parse_string("a key");
      expect(':');
      if (key == "descr" && !std::exchange(has_descr, true)) {
        header.descr = parse_descr();
      } else if (key == "fortran_order" && !std::exchange(has_order, true)) {
        header.fortran_order = parse_bool();
      } else if (key == "shape" && !std::exchange(has_shape, true)) {
        header.shape = parse_shape();
      } else {
        fail("has an unexpected or repeated key '" + printable(key) + "'");
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_spaces();
    if (position_ != text_.size()) fail("goes on after its closing brace");
    if (!has_descr || !has_order || !has_shape) {
      fail(std::string("has no key '") +
           (!has_descr   ? "descr"
            : !has_order ? "fortran_order"
                         : "shape") +
           "'");
    }
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(Status::io, name_ + ": the .npy header " + what);
  }

  // Control characters and bytes above ASCII would garble the one line of an error message.
  static std::string printable(std::string_view text) {
    std::string out(text.substr(0, 60));
    std::replace_if(
        out.begin(), out.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
    return out;
  }

  // What Python takes as white space between tokens.
  void skip_spaces() {
    position_ = std::min(text_.find_first_not_of(" \t\n\r\f", position_), text_.size());
  }

  bool accept(char c) {
    skip_spaces();
    if (position_ == text_.size() || text_[position_] != c) return false;
    ++position_;
    return true;
  }

  void expect(char c) {
    if (!accept(c)) {
      fail(std::string("should have '") + c + "' at character " + std::to_string(position_));
    }
  }

  std::string parse_string(const std::string& what) {
    skip_spaces();
    const char quote = position_ < text_.size() ? text_[position_] : '\0';
    if (quote != '\'' && quote != '"') {
      fail("should have " + what + " in quotes at character " + std::to_string(position_));
    }
    const std::size_t end = text_.find(quote, position_ + 1);
    if (end == std::string_view::npos) fail("has a string without an end");
    const std::string_view value = text_.substr(position_ + 1, end - position_ - 1);
    if (value.find('\\') != std::string_view::npos) fail("has an escape in a string");
    position_ = end + 1;
    return std::string(value);
  }

  std::string parse_descr() {
    skip_spaces();
    if (position_ < text_.size() && text_[position_] == '[') {
      throw Error(Status::io,
                  name_ + ": holds a structured dtype; plait reads float32 and float64 arrays");
    }
    return printable(parse_string("a dtype"));
  }

  bool parse_bool() {
    skip_spaces();
    for (const auto& [word, value] : {std::pair<std::string_view, bool>{"True", true},
                                      std::pair<std::string_view, bool>{"False", false}}) {
      if (text_.substr(position_).starts_with(word)) {
        position_ += word.size();
        return value;
      }
    }
    fail("should have True or False for 'fortran_order'");
  }

  Dims parse_shape() {
    Dims shape;
    expect('(');
    while (!accept(')')) {
      if (shape.rank() == Dims::kMaxRank) {
        throw Error(Status::io, name_ +
                                    ": has more than 4 axes; plait reads h x w, c x h x w and "
                                    "n x c x h x w");
      }
      shape.push_back(parse_size());
      if (!accept(',')) {
        // (3) is an integer in Python, not a tuple.
        if (shape.rank() == 1) fail("has a shape that is not a tuple");
        expect(')');
        break;
      }
    }
    return shape;
  }

  std::int64_t parse_size() {
    skip_spaces();
    constexpr std::int64_t kLimit = std::int64_t{1} << 62;
    std::int64_t value = 0;
    const std::size_t start = position_;
    while (position_ < text_.size() && text_[position_] >= '0' && text_[position_] <= '9') {
      value = value * 10 + (text_[position_] - '0');
      // value < 2^58 before the next step keeps value * 10 + 9 below 2^62.
      if (value >= kLimit / 16) fail("has an axis too large to be real");
      ++position_;
    }
    if (position_ == start) {
      fail("should have an axis size at character " + std::to_string(position_));
    }
    if (text_[start] == '0' && value != 0) fail("has an axis size with a leading zero");
    if (long_integers_) accept('L');
    return value;
  }

  std::string_view text_;
  bool long_integers_;
  const std::string& name_;
  std::size_t position_ = 0;
};

struct ElementType {
  bool f32;
  bool big_endian;
};

// Reads what numpy.dtype(descr) takes: a code of one letter or with its size behind a byte order,
// where none, '=' and '|' mean this machine's; or a name, which takes no byte order.
std::optional<ElementType> element_type_of(std::string_view descr) {
  constexpr bool kNative = std::endian::native == std::endian::big;
  if (descr == "float32" || descr == "single") return ElementType{true, kNative};
  if (descr == "float64" || descr == "double" || descr == "float") {
    return ElementType{false, kNative};
  }
  bool big_endian = kNative;
  if (!descr.empty() && std::string_view("<>=|").find(descr[0]) != std::string_view::npos) {
    if (descr[0] == '<' || descr[0] == '>') big_endian = descr[0] == '>';
    descr.remove_prefix(1);
  }
  if (descr == "f4" || descr == "f") return ElementType{true, big_endian};
  if (descr == "f8" || descr == "d") return ElementType{false, big_endian};
  return {};
}

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

template <class T>
T load(const char* bytes, bool big_endian) {
  std::array<char, sizeof(T)> raw;
  std::memcpy(raw.data(), bytes, sizeof(T));
  if (big_endian != (std::endian::native == std::endian::big)) {
    std::reverse(raw.begin(), raw.end());
  }
  return std::bit_cast<T>(raw);
}

// Puts elements of any rank up to 4 from the file's order into row-major order.
template <class T>
Tensor<T> read_elements(std::string_view data, const Header& header, bool big_endian) {
  Tensor<T> tensor(header.shape);
  if (tensor.size() == 0) return tensor;  // the other axes may be of any size
  Dims shape;                             // padded to rank 4 with leading ones
  for (int axis = header.shape.rank(); axis < 4; ++axis) shape.push_back(1);
  for (const std::int64_t size : header.shape) shape.push_back(size);
  Dims strides = dense_strides(shape);
  if (header.fortran_order) {
    std::int64_t stride = 1;
    for (int axis = 0; axis < 4; ++axis) {
      strides[axis] = stride;
      stride *= shape[axis];
    }
  }
  T* out = tensor.data();
  for (std::int64_t a = 0; a < shape[0]; ++a) {
    for (std::int64_t b = 0; b < shape[1]; ++b) {
      for (std::int64_t c = 0; c < shape[2]; ++c) {
        for (std::int64_t d = 0; d < shape[3]; ++d) {
          const std::int64_t index =
              a * strides[0] + b * strides[1] + c * strides[2] + d * strides[3];
          *out++ = load<T>(data.data() + static_cast<std::size_t>(index) * sizeof(T), big_endian);
        }
      }
    }
  }
  return tensor;
}

}  // namespace

const Dims& shape_of(const Array& array) {
  return std::visit([](const auto& tensor) -> const Dims& { return tensor.shape(); }, array);
}

bool looks_like_npy(std::string_view bytes) { return bytes.starts_with(kMagic); }

Array parse_npy(std::string_view bytes, const std::string& name) {
  const auto fail = [&name](const std::string& what) -> void {
    throw Error(Status::io, name + ": " + what);
  };
  if (!looks_like_npy(bytes)) fail("is not a .npy file: it does not start with \\x93NUMPY");
  if (bytes.size() < 10) fail("is truncated in the .npy header");
  const int major = static_cast<unsigned char>(bytes[6]);
  const int minor = static_cast<unsigned char>(bytes[7]);
  if (major < 1 || major > 3 || minor != 0) {
    fail("has .npy version " + std::to_string(major) + "." + std::to_string(minor) +
         "; plait reads 1.0, 2.0 and 3.0");
  }
  const std::size_t length_bytes = major == 1 ? 2 : 4;
  if (bytes.size() < 8 + length_bytes) fail("is truncated in the .npy header");
  const std::uint64_t header_bytes = little_endian(bytes.substr(8, length_bytes));
  if (header_bytes > bytes.size() - 8 - length_bytes) fail("is truncated in the .npy header");
  const std::string_view text = bytes.substr(8 + length_bytes, header_bytes);
  const Header header = HeaderParser(text, major, name).parse();
  const std::string_view data = bytes.substr(8 + length_bytes + header_bytes);

  const std::optional<ElementType> type = element_type_of(header.descr);
  if (!type) {
    fail("has dtype '" + header.descr +
         "'; plait reads float32 ('<f4', '>f4') and float64 ('<f8', '>f8'), so convert it, e.g. "
         "with .astype('float32')");
  }
  std::uint64_t needed = type->f32 ? 4 : 8;
  for (int axis = 0; axis < header.shape.rank(); ++axis) {
    const std::uint64_t size = static_cast<std::uint64_t>(header.shape[axis]);
    if (size > 0 && needed > (std::uint64_t{1} << 62) / size) {
      fail("has shape " + to_string(header.shape) + ", too large to be real");
    }
    needed *= size;
  }
  if (data.size() != needed) {
    fail((data.size() < needed ? "is truncated: shape " : "has bytes left over: shape ") +
         to_string(header.shape) + " of dtype '" + header.descr + "' needs " +
         std::to_string(needed) + " bytes of data but the file has " + std::to_string(data.size()));
  }
  if (type->f32) return read_elements<float>(data, header, type->big_endian);
  return read_elements<double>(data, header, type->big_endian);
}

template <class T>
std::string npy_bytes(const Tensor<T>& tensor) {
  static_assert(std::endian::native == std::endian::little, "the data is written as it lies");
  std::string header = std::string("{'descr': '<f") + (sizeof(T) == 4 ? "4" : "8") +
                       "', 'fortran_order': False, 'shape': (";
  for (int axis = 0; axis < tensor.rank(); ++axis) {
    header += std::to_string(tensor.size(axis)) + (tensor.rank() == 1 ? "," : "") +
              (axis + 1 < tensor.rank() ? ", " : "");
  }
  header += "), }";
  // numpy wants the data to start at a multiple of 64 bytes, and the header to end in a newline.
  while ((10 + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string bytes(kMagic);
  bytes += '\x01';
  bytes += '\x00';
  bytes += static_cast<char>(header.size() & 0xff);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(tensor.data()),
               static_cast<std::size_t>(tensor.size()) * sizeof(T));
  return bytes;
}

template std::string npy_bytes(const Tensor<float>&);
template std::string npy_bytes(const Tensor<double>&);

}  // namespace plait::cli
