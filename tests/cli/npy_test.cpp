// Reading and writing .npy files: what is read is what numpy means, and nothing else is read.
#include "io/npy.hpp"

#include <algorithm>
#include <random>

#include "support.hpp"

namespace plait::cli {
namespace {

std::string header_of(const std::string& descr, const std::string& order,
                      const std::string& shape) {
  return "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}

template <class T>
std::string data_of(const std::vector<T>& values, bool swap = false) {
  std::string bytes;
  for (const T value : values) {
    std::string one(reinterpret_cast<const char*>(&value), sizeof(T));
    if (swap) std::reverse(one.begin(), one.end());
    bytes += one;
  }
  return bytes;
}

const std::vector<float> kSix = {1, 2, 3, 4, 5, 6};

std::vector<float> read_f32(const std::string& bytes) {
  const Array array = parse_npy(bytes, "a.npy");
  const auto& tensor = std::get<Tensor<float>>(array);
  return {tensor.begin(), tensor.end()};
}

std::string message_of(const std::string& bytes) {
  return error_of([&] { parse_npy(bytes, "a.npy"); });
}

std::string message_of_header(const std::string& header) {
  return message_of(raw_npy(1, header, data_of(kSix)));
}

template <class T>
void expect_round_trip(const Dims& shape) {
  const Tensor<T> tensor = ramp<T>(shape);
  const std::string bytes = npy_bytes(tensor);
  EXPECT_EQ((bytes.size() - static_cast<std::size_t>(tensor.size()) * sizeof(T)) % 64, 0u);
  const Array array = parse_npy(bytes, "a.npy");
  const auto& read = std::get<Tensor<T>>(array);
  EXPECT_EQ(read.shape(), shape);
  EXPECT_TRUE(std::equal(read.begin(), read.end(), tensor.begin(), tensor.end()));
}

TEST(Npy, RoundTripKeepsShapeDtypeAndValues) {
  for (const Dims& shape : {Dims{}, Dims{1}, Dims{7}, Dims{3, 5}, Dims{2, 3, 4}, Dims{2, 3, 4, 5},
                            Dims{std::int64_t{1} << 32, std::int64_t{1} << 20, 0}}) {  // in no time
    expect_round_trip<float>(shape);
    expect_round_trip<double>(shape);
  }
}

TEST(Npy, WritesTheBytesThatNumpyWrites) {
  // numpy.save of numpy.array([[1, 2]], dtype='float32'), numpy 1.26.
  std::string expected("\x93NUMPY\x01\x00\x76\x00", 10);
  expected += "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }";
  expected.resize(127, ' ');
  expected += "\n";
  expected += data_of<float>({1, 2});
  EXPECT_EQ(npy_bytes(Tensor<float>({1, 2}, {1, 2})), expected);
}

TEST(Npy, ReadsEveryVersion) {
  for (const int major : {1, 2, 3}) {
    EXPECT_EQ(read_f32(raw_npy(major, header_of("<f4", "False", "(2, 3)"), data_of(kSix))), kSix)
        << "version " << major;
  }
  EXPECT_CONTAINS(message_of(raw_npy(4, header_of("<f4", "False", "(2, 3)"), data_of(kSix))),
                  "version 4.0");
  EXPECT_CONTAINS(message_of(raw_npy(0, header_of("<f4", "False", "(2, 3)"), data_of(kSix))),
                  "version 0.0");
}

TEST(Npy, ReadsFortranOrder) {
  // [[1, 2, 3], [4, 5, 6]] column by column.
  const std::vector<float> columns = {1, 4, 2, 5, 3, 6};
  EXPECT_EQ(read_f32(raw_npy(1, header_of("<f4", "True", "(2, 3)"), data_of(columns))), kSix);

  // x[a, b, c, d] = 1000 a + 100 b + 10 c + d, the first axis running fastest.
  std::vector<float> values;
  for (int d = 0; d < 5; ++d) {
    for (int c = 0; c < 4; ++c) {
      for (int b = 0; b < 3; ++b) {
        for (int a = 0; a < 2; ++a)
          values.push_back(static_cast<float>(1000 * a + 100 * b + 10 * c + d));
      }
    }
  }
  const Array array =
      parse_npy(raw_npy(1, header_of("<f4", "True", "(2, 3, 4, 5)"), data_of(values)), "a.npy");
  const auto& x = std::get<Tensor<float>>(array);
  for (int a = 0; a < 2; ++a) {
    for (int b = 0; b < 3; ++b) {
      for (int c = 0; c < 4; ++c) {
        for (int d = 0; d < 5; ++d) {
          ASSERT_EQ(x(a, b, c, d), static_cast<float>(1000 * a + 100 * b + 10 * c + d));
        }
      }
    }
  }
}

TEST(Npy, ReadsBigEndian) {
  EXPECT_EQ(read_f32(raw_npy(1, header_of(">f4", "False", "(6,)"), data_of(kSix, true))), kSix);
  const std::vector<double> values = {0.1, -2};
  const Array array =
      parse_npy(raw_npy(1, header_of(">f8", "False", "(2,)"), data_of(values, true)), "a.npy");
  EXPECT_EQ(std::get<Tensor<double>>(array)(0), 0.1);
  EXPECT_EQ(std::get<Tensor<double>>(array)(1), -2);
}

TEST(Npy, AcceptsAnyOrderOfKeysAndAnySpacing) {
  for (const char* header :
       {"{'shape': (2, 3), 'descr': '<f4', 'fortran_order': False}",
        "{\"descr\":\"<f4\",\"fortran_order\":False,\"shape\":(2,3,)}",
        " { 'fortran_order' : False , 'shape' : ( 2 , 3 ) , 'descr' : '<f4' } \n",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\r\n",
        "\r\n{\r\n'descr': '<f4',\r\n\t'fortran_order':\rFalse, "
        "'shape'\f:\r\n(2\r\n,3)\r\n}\r\n"}) {
    EXPECT_EQ(read_f32(raw_npy(1, header, data_of(kSix))), kSix) << header;
  }
  // A vertical tab is no white space to Python.
  EXPECT_CONTAINS(message_of_header("{'descr': '<f4', 'fortran_order': False, 'shape': (2,\v3)}"),
                  "should have an axis size");
}

TEST(Npy, ReadsThePython2Integers) {
  for (const char* shape : {"(2L, 3L)", "(2L,3)", "(2, 3L,)", "(2 L, 3\r\nL)"}) {
    const std::string header = header_of("<f4", "False", shape);
    for (const int major : {1, 2}) {
      const Array array = parse_npy(raw_npy(major, header, data_of(kSix)), "a.npy");
      EXPECT_EQ(shape_of(array), (Dims{2, 3})) << shape;
    }
    // numpy wrote no version 3.0 with Python 2, and reads none.
    EXPECT_CONTAINS(message_of(raw_npy(3, header, data_of(kSix))), "the .npy header");
  }
  for (const char* shape : {"(2l, 3)", "(2LL, 3)", "(2, L)", "(L2, 3)"}) {
    EXPECT_CONTAINS(message_of_header(header_of("<f4", "False", shape)), "header") << shape;
  }
}

// Each checked against numpy 2.4: numpy.dtype(descr).
TEST(Npy, ReadsEveryNameOfADtype) {
  for (const char* descr :
       {"<f4", "=f4", "|f4", "f4", "<f", "=f", "|f", "f", "float32", "single"}) {
    EXPECT_EQ(read_f32(raw_npy(1, header_of(descr, "False", "(6,)"), data_of(kSix))), kSix)
        << descr;
  }
  for (const char* descr : {">f4", ">f"}) {
    EXPECT_EQ(read_f32(raw_npy(1, header_of(descr, "False", "(6,)"), data_of(kSix, true))), kSix)
        << descr;
  }
  const std::vector<double> values = {0.1, -2};
  const auto read_f64 = [&](const std::string& descr, bool swap) {
    const Array array =
        parse_npy(raw_npy(1, header_of(descr, "False", "(2,)"), data_of(values, swap)), "a.npy");
    const auto& tensor = std::get<Tensor<double>>(array);
    return std::vector<double>(tensor.begin(), tensor.end());
  };
  for (const char* descr :
       {"<f8", "=f8", "|f8", "f8", "<d", "=d", "|d", "d", "float64", "double", "float"}) {
    EXPECT_EQ(read_f64(descr, false), values) << descr;
  }
  for (const char* descr : {">f8", ">d"}) EXPECT_EQ(read_f64(descr, true), values) << descr;
}

TEST(Npy, NamesADtypeItDoesNotRead) {
  for (const char* descr :
       {"<i8",   "|u1",     "<f2",   "<c8", "|b1",      "|O",      "<U3",     "i4",
        "int32", "float16", "f2",    "F",   "<float32", ">double", "Float32", "f4 ",
        " f4",   "<<f4",    "f4,f4", "!f4", "=",        ""}) {
    EXPECT_CONTAINS(message_of_header(header_of(descr, "False", "(6,)")),
                    "has dtype '" + std::string(descr) + "'");
  }
  EXPECT_CONTAINS(
      message_of_header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (6,)}"),
      "structured dtype");
}

TEST(Npy, RefusesEachBadHeader) {
  const std::string fine = header_of("<f4", "False", "(2, 3)");
  const struct {
    std::string header;
    std::string part;
  } cases[] = {
      {"", "should have '{'"},
      {"{}", "no key 'descr'"},
      {"{'descr': '<f4'}", "no key 'fortran_order'"},
      {"{'descr': '<f4', 'fortran_order': False}", "no key 'shape'"},
      {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (6,)}",
       "repeated key 'descr'"},
      {"{'descr': '<f4', 'extra': 1, 'fortran_order': False, 'shape': (6,)}",
       "unexpected or repeated key 'extra'"},
      {"{'descr': '<f4', 'fortran_order': false, 'shape': (6,)}", "True or False"},
      {"{'descr': '<f4', 'fortran_order': 0, 'shape': (6,)}", "True or False"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': [6]}", "should have '('"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (6)}", "not a tuple"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (-6,)}", "axis size"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (6 6)}", "not a tuple"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3 6)}", "should have ')'"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (02, 3)}", "leading zero"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (,)}", "axis size"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", "too large"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387, 4611686018427387)}",
       "too large"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 6)}", "more than 4 axes"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (6,)", "should have '}'"},
      {"{'descr': '<f4, 'fortran_order': False, 'shape': (6,)}", "should have '}'"},
      {"{'descr': '<f4", "string without an end"},
      {"{'descr' '<f4'}", "should have ':'"},
      {"{descr: '<f4'}", "in quotes"},
      {"{'descr': '<\\x664'}", "escape"},
      {fine + "x", "goes on after"},
  };
  for (const auto& bad : cases) EXPECT_CONTAINS(message_of_header(bad.header), bad.part);
  EXPECT_EQ(read_f32(raw_npy(1, fine, data_of(kSix))), kSix);
}

TEST(Npy, MessagesStayOnOnePrintableLine) {
  const std::string message = message_of_header("{'de\nscr\x01\xff': 1}");
  for (const char c : message) EXPECT_TRUE(c >= 0x20 && c <= 0x7e) << message;
}

TEST(Npy, ReadsEmptyArrays) {
  const Array array = parse_npy(raw_npy(1, header_of("<f4", "True", "(0, 2, 3)"), ""), "a.npy");
  EXPECT_EQ(shape_of(array), (Dims{0, 2, 3}));
  EXPECT_CONTAINS(message_of(raw_npy(1, header_of("<f4", "False", "(2, 0, 3)"), "abcd")),
                  "has bytes left over: shape 2x0x3");
}

TEST(Npy, RefusesEveryTruncationAndAnyRest) {
  const std::string whole = raw_npy(2, header_of("<f4", "False", "(2, 3)"), data_of(kSix));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string message = message_of(whole.substr(0, size));
    EXPECT_CONTAINS(message, size < 6 ? "is not a .npy file" : "is truncated");
  }
  EXPECT_CONTAINS(message_of(whole + "x"), "bytes left over");
  // A huge shape over little data allocates nothing.
  EXPECT_CONTAINS(message_of(raw_npy(1, header_of("<f4", "False", "(1000000, 1000000)"), "abcd")),
                  "is truncated: shape 1000000x1000000");
}

TEST(Npy, SurvivesRandomDamage) {
  const std::string whole =
      raw_npy(1, header_of("<f8", "False", "(2, 3)"), data_of(std::vector<double>(6, 1.5)));
  std::mt19937 random(7);
  int read = 0;
  for (int trial = 0; trial < 20000; ++trial) {
    std::string bytes = whole;
    for (int hits = 0; hits < 1 + trial % 3; ++hits) {
      bytes[random() % bytes.size()] = static_cast<char>(random() % 256);
    }
    try {
      const Array array = parse_npy(bytes, "a.npy");
      EXPECT_LE(element_count(shape_of(array)), 12);
      ++read;
    } catch (const Error& error) {
      EXPECT_EQ(error.status(), Status::io);
    }
  }
  EXPECT_GT(read, 0);  // damage to the data alone goes unnoticed, as it must
}

}  // namespace
}  // namespace plait::cli
