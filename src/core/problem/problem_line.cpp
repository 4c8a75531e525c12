// The problem line: [name:] n x c_i x h x w , c_o x c_i/groups x k_h x k_w , options in any order.
// docs/problem-line.md is its reference.
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <plait/problem.hpp>

#include "core/integers.hpp"
#include "core/problem/problem_rules.hpp"
#include "core/problem/shape_check.hpp"
#include "core/refuse.hpp"
#include "core/values.hpp"

namespace plait {
namespace {

constexpr std::string_view kForm =
    "[name:] n x c_i x h x w , c_o x c_i/groups x k_h x k_w , options";

// An option that is a word.
struct Keyword {
  std::string_view text;
  Part part;
  void (*set)(Problem&);
};

constexpr Keyword kKeywords[] = {
    {"reflect", Part::padding_mode, [](Problem& p) { p.padding_mode = PaddingMode::reflect; }},
    {"replicate", Part::padding_mode, [](Problem& p) { p.padding_mode = PaddingMode::replicate; }},
    {"circular", Part::padding_mode, [](Problem& p) { p.padding_mode = PaddingMode::circular; }},
    {"symmetric", Part::padding_mode, [](Problem& p) { p.padding_mode = PaddingMode::symmetric; }},
    {"bias", Part::bias, [](Problem& p) { p.bias = true; }},
    {"res", Part::residual, [](Problem& p) { p.residual = true; }},
    {"f32", Part::dtype, [](Problem& p) { p.dtype = Dtype::f32; }},
    {"f64", Part::dtype, [](Problem& p) { p.dtype = Dtype::f64; }},
    {"bf16", Part::dtype, [](Problem& p) { p.dtype = Dtype::bf16; }},
    {"i8", Part::dtype, [](Problem& p) { p.dtype = Dtype::i8; }},
    {"u8", Part::dtype, [](Problem& p) { p.dtype = Dtype::u8; }},
    {"nchw", Part::layout, [](Problem& p) { p.x_layout = p.y_layout = Layout::nchw; }},
    {"nhwc", Part::layout, [](Problem& p) { p.x_layout = p.y_layout = Layout::nhwc; }},
    {"nchw>nhwc", Part::layout,
     [](Problem& p) {
       p.x_layout = Layout::nchw;
       p.y_layout = Layout::nhwc;
     }},
    {"nhwc>nchw", Part::layout,
     [](Problem& p) {
       p.x_layout = Layout::nhwc;
       p.y_layout = Layout::nchw;
     }},
    {"backward_data", Part::direction, [](Problem& p) { p.direction = Direction::backward_data; }},
    {"backward_weights", Part::direction,
     [](Problem& p) { p.direction = Direction::backward_weights; }},
    {"backward_bias", Part::direction, [](Problem& p) { p.direction = Direction::backward_bias; }},
};

// An option that is a prefix and a value.
struct Valued {
  std::string_view prefix;
  std::string_view example;
  Part part;
  std::string_view name;
  void (*set)(Problem&, std::string_view value);
};

constexpr Valued kValued[] = {
    {"s", "2", Part::stride, "stride",
     [](Problem& p, std::string_view value) { p.stride = parse_pair(value); }},
    {"p", "1", Part::padding, "padding",
     [](Problem& p, std::string_view value) { p.padding = parse_padding(value, p); }},
    {"d", "2", Part::dilation, "dilation",
     [](Problem& p, std::string_view value) { p.dilation = parse_pair(value); }},
    {"g", "32", Part::groups, "groups",
     [](Problem& p, std::string_view value) { p.groups = parse_integer(value); }},
    {"pconst=", "0.5", Part::padding_mode, "padding value",
     [](Problem& p, std::string_view value) {
       p.padding_mode = PaddingMode::constant;
       p.padding_value = parse_real(value);
     }},
    {"act=", "relu", Part::activation, "activation",
     [](Problem& p, std::string_view value) { p.activation = parse_activation(value); }},
    {"xstrides=", "A_B_C_D", Part::x_strides, "x strides",
     [](Problem& p, std::string_view value) { p.x_strides = parse_strides(value); }},
    {"ystrides=", "A_B_C_D", Part::y_strides, "y strides",
     [](Problem& p, std::string_view value) { p.y_strides = parse_strides(value); }},
    {"rstrides=", "A_B_C_D", Part::residual_strides, "residual strides",
     [](Problem& p, std::string_view value) { p.residual_strides = parse_strides(value); }},
};

std::string known_options() {
  std::string known;
  for (const Valued& option : kValued) {
    known += (known.empty() ? "" : ", ") + std::string(option.prefix) + std::string(option.example);
  }
  for (const Keyword& option : kKeywords) known += ", " + std::string(option.text);
  return known;
}

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

// Whether the token is this option with a value, good or bad. A letter behind a one-letter prefix
// makes another, unknown word, except for the words that padding takes.
bool has_prefix(std::string_view token, const Valued& option) {
  if (!token.starts_with(option.prefix)) return false;
  if (option.prefix.size() > 1 || token.size() == 1 || !is_lower(token[1])) return true;
  return option.part == Part::padding &&
         (token.starts_with("psame") || token.starts_with("pvalid") || token.starts_with("pfull"));
}

// Text between commas, without the spaces around it, and its column from 1. An empty field has the
// column of the comma behind it, or, at the end of the line, of the comma before it.
struct Field {
  std::string_view text;
  std::size_t column = 1;
};

Field trimmed(Field field) {
  constexpr std::string_view kSpace = " \t";
  const std::size_t first = field.text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {{}, field.column + field.text.size()};
  const std::size_t last = field.text.find_last_not_of(kSpace);
  return {field.text.substr(first, last - first + 1), field.column + first};
}

class LineParser {
 public:
  explicit LineParser(std::string_view line) : line_(line) {}

  NamedProblem parse() {
    std::vector<Field> fields = split_fields();
    take_name(fields[0]);
    require_no_empty(fields);
    read_shapes(fields);
    for (const Field& field : std::span(fields).subspan(2)) read_option(field);
    finish();
    return std::move(result_);
  }

 private:
  [[noreturn]] void fail(std::size_t column, const std::string& message) const {
    plait::refuse("column " + std::to_string(column) + ": " + message + " in " + quoted(line_));
  }

  std::vector<Field> split_fields() const {
    std::vector<Field> fields;
    std::size_t column = 1;
    for (const std::string_view piece : split(line_, ',')) {
      fields.push_back(trimmed({piece, column}));
      column += piece.size() + 1;
    }
    if (fields.size() == 1 && fields[0].text.empty()) {
      fail(1, "empty problem line (expected " + std::string(kForm) + ")");
    }
    if (fields.back().text.empty()) fields.back().column = line_.rfind(',') + 1;
    return fields;
  }

  void take_name(Field& first) {
    const std::size_t colon = first.text.find(':');
    if (colon == std::string_view::npos) return;
    const Field name = trimmed({first.text.substr(0, colon), first.column});
    if (name.text.empty()) fail(first.column, "empty name before \":\"");
    if (name.text.find_first_of(" \t") != std::string_view::npos) {
      fail(name.column, "the name " + quoted(name.text) + " has a space in it");
    }
    result_.name = std::string(name.text);
    first = trimmed({first.text.substr(colon + 1), first.column + colon + 1});
  }

  void require_no_empty(const std::vector<Field>& fields) const {
    constexpr std::array<const char*, 2> kShapes = {
        "x has no shape (n x c_i x h x w)", "weight has no shape (c_o x c_i/groups x k_h x k_w)"};
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (!fields[i].text.empty()) continue;
      if (i < 2) fail(fields[i].column, kShapes[i]);
      fail(fields[i].column,
           i + 1 == fields.size() ? "nothing after the last comma" : "nothing between two commas");
    }
    if (fields.size() == 1) fail(line_.size() + 1, kShapes[1]);
  }

  std::array<std::int64_t, 4> read_shape(const Field& field, const std::string& form,
                                         std::array<const char*, 4> axes) const {
    const std::vector<std::string_view> pieces = split(field.text, 'x');
    if (pieces.size() != 4) {
      fail(field.column, form + " needs 4 axes but " + quoted(field.text) + " has " +
                             std::to_string(pieces.size()));
    }
    std::array<std::int64_t, 4> shape{};
    std::size_t column = field.column;
    for (std::size_t axis = 0; axis < 4; ++axis) {
      const std::string name = axes[axis];
      if (pieces[axis].empty()) fail(column, name + " is missing");
      try {
        shape[axis] = parse_integer(pieces[axis]);
      } catch (const Error& error) {
        fail(column, name + " " + error.what());
      }
      if (shape[axis] < 1) {
        fail(column, name + " must be at least 1 but is " + std::to_string(shape[axis]));
      }
      column += pieces[axis].size() + 1;
    }
    return shape;
  }

  void read_shapes(const std::vector<Field>& fields) {
    Problem& p = result_.problem;
    const auto x = read_shape(fields[0], "x = n x c_i x h x w", {"n", "c_i", "h", "w"});
    const auto k = read_shape(fields[1], "weight = c_o x c_i/groups x k_h x k_w",
                              {"c_o", "c_i/groups", "k_h", "k_w"});
    p.n = x[0];
    p.c_i = x[1];
    p.h = x[2];
    p.w = x[3];
    p.c_o = k[0];
    weight_channels_ = k[1];
    p.k_h = k[2];
    p.k_w = k[3];
    given(Part::x) = fields[0];
    given(Part::weight) = fields[1];
  }

  void read_option(const Field& field) {
    for (const Keyword& option : kKeywords) {
      if (field.text != option.text) continue;
      take_once(option.part, field);
      option.set(result_.problem);
      return;
    }
    for (const Valued& option : kValued) {
      if (!has_prefix(field.text, option)) continue;
      take_once(option.part, field);
      if (option.part != Part::padding) set_value(option, field);
      return;
    }
    fail(field.column,
         "unknown option " + quoted(field.text) + " (known: " + known_options() + ")");
  }

  void take_once(Part part, const Field& field) {
    Field& earlier = given(part);
    if (!earlier.text.empty()) {
      fail(field.column,
           quoted(field.text) + " sets again what " + quoted(earlier.text) + " has set");
    }
    earlier = field;
  }

  void set_value(const Valued& option, const Field& field) {
    try {
      option.set(result_.problem, field.text.substr(option.prefix.size()));
    } catch (const Error& error) {
      fail(field.column, std::string(option.name) + " " + error.what());
    }
  }

  void finish() {
    Problem& p = result_.problem;
    require_unbroken(broken_number(p));
    check_weight_channels();
    // Padding is read last, since `same` needs all other numbers.
    for (const Valued& option : kValued) {
      const Field& field = given(option.part);
      if (option.part == Part::padding && !field.text.empty()) set_value(option, field);
    }
    require_unbroken(broken_rule(p));
  }

  void require_unbroken(const std::optional<BrokenRule>& broken) {
    if (!broken) return;
    const Field& field = given(broken->part);
    fail(field.text.empty() ? given(Part::x).column : field.column, broken->message);
  }

  void check_weight_channels() {
    const Problem& p = result_.problem;
    // A line gives sizes in one order in every layout, so its remedy differs from that of a call.
    if (p.w != p.c_i && bounded_product({weight_channels_, p.groups}) == p.w) {
      const Dims meant{p.n, p.w, p.c_i, p.h};
      fail(given(Part::x).column,
           "weight expects " + std::to_string(p.w) + " input channels but x has " +
               std::to_string(p.c_i) + " (x is " + to_string(p.x_shape()) +
               ": is it NHWC? a line gives x as n x c_i x h x w in every layout: write " +
               to_string(meant) + " and the option nhwc)");
    }
    const Dims weight{p.c_o, weight_channels_, p.k_h, p.k_w};
    try {
      check_channels(p.x_shape(), weight, p.groups);
    } catch (const Error& error) {
      fail(given(Part::weight).column, error.what());
    }
  }

  Field& given(Part part) { return given_[static_cast<std::size_t>(part)]; }

  std::string_view line_;
  NamedProblem result_;
  std::int64_t weight_channels_ = 1;
  std::array<Field, kParts> given_;  // indexed by Part; an empty text: the line does not say
};

}  // namespace

NamedProblem parse_problem_line(std::string_view line) { return LineParser(line).parse(); }

Problem parse_problem(std::string_view line) { return parse_problem_line(line).problem; }

std::vector<NamedProblem> parse_problem_lines(std::string_view text) {
  std::vector<NamedProblem> problems;
  std::size_t number = 0;
  for (std::string_view line : split(text, '\n')) {
    ++number;
    line = line.substr(0, line.find('#'));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    try {
      problems.push_back(parse_problem_line(line));
    } catch (const Error& error) {
      throw Error(error.status(), "line " + std::to_string(number) + ", " + error.what());
    }
  }
  return problems;
}

std::string to_string(const Problem& p) {
  std::string line = x_text(p) + "," + weight_text(p);
  const auto add = [&](bool given, const std::string& option) {
    if (given) line += "," + option;
  };
  const bool constant = p.padding_mode == PaddingMode::constant;
  const std::string mode(name_of(p.padding_mode));
  const std::string x_layout(name_of(p.x_layout));
  const std::string y_layout(name_of(p.y_layout));
  add(p.stride != Pair(1), "s" + pair_text(p.stride));
  add(p.padding != Padding(0), "p" + padding_text(p.padding));
  add(p.padding_mode != PaddingMode::zeros,
      constant ? "pconst=" + real_text(p.padding_value) : mode);
  add(p.dilation != Pair(1), "d" + pair_text(p.dilation));
  add(p.groups != 1, "g" + std::to_string(p.groups));
  add(p.bias, "bias");
  add(p.residual, "res");
  add(p.activation.kind != ActivationKind::none, "act=" + activation_text(p.activation));
  add(p.dtype != Dtype::f32, std::string(name_of(p.dtype)));
  add(p.x_layout != p.y_layout, x_layout + ">" + y_layout);
  add(p.x_layout == p.y_layout && p.x_layout != Layout::nchw, x_layout);
  add(p.direction != Direction::forward, std::string(name_of(p.direction)));
  if (p.x_strides) line += ",xstrides=" + strides_text(*p.x_strides);
  if (p.y_strides) line += ",ystrides=" + strides_text(*p.y_strides);
  if (p.residual_strides) line += ",rstrides=" + strides_text(*p.residual_strides);
  return line;
}

}  // namespace plait
