// Counts what a layer costs by its definition.
#include <plait/analysis/layer_cost.hpp>

#include <algorithm>
#include <limits>

#include <plait/error.hpp>

#include "core/integers.hpp"
#include "core/problem/axis_reach.hpp"
#include "core/problem/padding.hpp"

namespace plait {
namespace {

std::int64_t checked(const char* what, Int128 value) {
  if (value > std::numeric_limits<std::int64_t>::max()) {
    throw Error(Status::unsupported, std::string(what) + ", " + to_string(value) +
                                         ", pass 64 bits: take a smaller batch or image");
  }
  return static_cast<std::int64_t>(value);
}

// The factors of a product, with the names under which it is written: "a b = 2 * 3".
struct Factor {
  const char* name;
  std::int64_t value;
};
using Factors = std::vector<Factor>;

Int128 product(const Factors& factors) {
  Int128 value = 1;
  for (const Factor& factor : factors) value *= factor.value;
  return value;
}
std::string names(const Factors& factors) {
  std::string text;
  for (const Factor& factor : factors) text += (text.empty() ? "" : " ") + std::string(factor.name);
  return text;
}
std::string values(const Factors& factors) {
  std::string text;
  for (const Factor& factor : factors) {
    text += (text.empty() ? "" : " * ") + std::to_string(factor.value);
  }
  return text;
}

// A figure, and the text of how it is computed.
struct Figure {
  Int128 value = 0;
  std::string text;
};

Figure figure(const Factors& factors) {
  return {product(factors), names(factors) + " = " + values(factors)};
}
Figure nothing(const char* why) { return {0, std::string("0: ") + why}; }

// The additions that sum up `products` to `results`: one less for each result.
Figure sums(const Figure& products, const Factors& results) {
  return {
      products.value - product(results),
      "products - " + names(results) + " = " + to_string(products.value) + " - " + values(results)};
}
Figure plus(const Figure& a, const Factors& more) {
  return {a.value + product(more), a.text + ", and " + names(more) + " = " + values(more)};
}

class Counts {
 public:
  explicit Counts(const Problem& problem)
      : p_(problem),
        rows_(reach_of(AxisWindows::rows_of(problem), problem.padding_mode)),
        columns_(reach_of(AxisWindows::columns_of(problem), problem.padding_mode)),
        padding_is_zeros_(padding_is_one_value(problem) && padding_value(problem) == 0) {}

  Figure multiplications() const {
    if (p_.direction == Direction::backward_bias) return nothing("a sum of dy has no products");
    return figure({{"n", p_.n},
                   {"c_o", p_.c_o},
                   {"h'", p_.h_o()},
                   {"w'", p_.w_o()},
                   {"(c_i/g)", p_.c_i / p_.groups},
                   {"k_h", p_.k_h},
                   {"k_w", p_.k_w}});
  }

  Figure multiplications_without_padding() const {
    if (!padding_is_zeros_ || p_.direction == Direction::backward_bias) return multiplications();
    return figure({{"n", p_.n},
                   {"c_o", p_.c_o},
                   {"(c_i/g)", p_.c_i / p_.groups},
                   {"(pairs of an output row and a tap that meet x)", rows_.pairs},
                   {"(likewise of columns)", columns_.pairs}});
  }

  Figure additions() const {
    switch (p_.direction) {
      case Direction::forward:
        return with_bias(sums(multiplications(), outputs()));
      case Direction::backward_data:
        // The gradient of padding that repeats x is added to the gradient of what it repeats. The
        // gradient of other padding is summed and dropped.
        if (!padding_is_one_value(p_)) return sums(multiplications(), sources());
        return sums(multiplications(), {{"n", p_.n},
                                        {"c_i", p_.c_i},
                                        {"(rows of the padded x that are read)", rows_.padded},
                                        {"(columns)", columns_.padded}});
      case Direction::backward_weights:
        return sums(multiplications(), weight());
      case Direction::backward_bias:
        break;
    }
    return bias_sums();
  }

  Figure additions_without_padding() const {
    if (!padding_is_zeros_) return additions();
    const Figure products = multiplications_without_padding();
    switch (p_.direction) {
      case Direction::forward:
        return with_bias(sums(products, {{"n", p_.n},
                                         {"c_o", p_.c_o},
                                         {"(output rows that meet x)", rows_.outputs},
                                         {"(columns)", columns_.outputs}}));
      case Direction::backward_data:
        return sums(products, sources());
      case Direction::backward_weights:
        return sums(products, {{"c_o", p_.c_o},
                               {"(c_i/g)", p_.c_i / p_.groups},
                               {"(rows of taps that meet x)", rows_.taps},
                               {"(columns)", columns_.taps}});
      case Direction::backward_bias:
        break;
    }
    return bias_sums();
  }

  Factors input() const { return {{"n", p_.n}, {"c_i", p_.c_i}, {"h", p_.h}, {"w", p_.w}}; }
  Factors weight() const {
    return {{"c_o", p_.c_o}, {"(c_i/g)", p_.c_i / p_.groups}, {"k_h", p_.k_h}, {"k_w", p_.k_w}};
  }
  Factors outputs() const {
    return {{"n", p_.n}, {"c_o", p_.c_o}, {"h'", p_.h_o()}, {"w'", p_.w_o()}};
  }
  Factors biases() const { return {{"c_o", p_.c_o}}; }

 private:
  Factors sources() const {
    return {{"n", p_.n},
            {"c_i", p_.c_i},
            {"(rows of x that are read)", rows_.sources},
            {"(columns)", columns_.sources}};
  }
  Figure with_bias(const Figure& sum) const { return p_.bias ? plus(sum, outputs()) : sum; }
  Figure bias_sums() const {
    const Figure terms = figure(outputs());
    return {terms.value - p_.c_o,
            "n c_o h' w' - c_o = " + values(outputs()) + " - " + std::to_string(p_.c_o)};
  }

  const Problem& p_;
  AxisReach rows_;
  AxisReach columns_;
  bool padding_is_zeros_;
};

Factors in_bytes(Factors elements, Dtype dtype) {
  elements.push_back({"(bytes)", static_cast<std::int64_t>(size_of(dtype))});
  return elements;
}

// Bytes of the operands that the direction reads and writes.
Int128 bytes_moved(const Problem& p, const LayerCost& cost, Int128 bias_bytes) {
  const Int128 x = cost.bytes_input;
  const Int128 k = cost.bytes_weight;
  const Int128 y = cost.bytes_output;
  switch (p.direction) {
    case Direction::forward:
      return x + k + y + (p.bias ? bias_bytes : 0);
    case Direction::backward_data:
      return y + k + x;
    case Direction::backward_weights:
      return x + y + k;
    case Direction::backward_bias:
      break;
  }
  return y + bias_bytes;
}

}  // namespace

LayerCost cost(const Problem& problem, const Machine& machine) {
  validate(problem);
  const Counts counts(problem);
  LayerCost cost;
  cost.direction = problem.direction;
  const Int128 products = counts.multiplications().value;
  const Int128 additions = counts.additions().value;
  cost.multiplications = checked("the multiplications", products);
  cost.additions = checked("the additions", additions);
  cost.operations = checked("the operations", products + additions);
  cost.macs = cost.multiplications;
  cost.flops = checked("the flops", 2 * products);
  cost.multiplications_without_padding =
      checked("the multiplications", counts.multiplications_without_padding().value);
  cost.additions_without_padding =
      checked("the additions", counts.additions_without_padding().value);
  const Int128 parameters = product(counts.weight());
  cost.parameters = checked("the parameters", parameters);
  cost.parameters_with_bias = checked("the parameters", parameters + problem.c_o);

  const auto bytes = [&](const Factors& elements) {
    return checked("the bytes", product(in_bytes(elements, problem.dtype)));
  };
  cost.bytes_input = cost.bytes_grad_input = bytes(counts.input());
  cost.bytes_weight = cost.bytes_grad_weight = bytes(counts.weight());
  cost.bytes_output = cost.bytes_grad_output = bytes(counts.outputs());
  const Int128 bias_bytes = problem.bias ? bytes(counts.biases()) : 0;
  const Int128 forward =
      Int128{cost.bytes_input} + cost.bytes_weight + cost.bytes_output + bias_bytes;
  cost.memory_forward_bytes = checked("the bytes", forward);
  cost.memory_training_forward_bytes = cost.memory_forward_bytes;
  cost.memory_backward_bytes =
      checked("the bytes", forward + cost.bytes_grad_input + cost.bytes_grad_weight);

  const Int128 moved = bytes_moved(problem, cost, bytes(counts.biases()));
  cost.arithmetic_intensity = static_cast<double>(cost.flops) / static_cast<double>(moved);
  const double threads = machine.default_threads();
  const double rate = moved > machine.caches.l3_bytes ? machine.rates.dram_bytes_per_second
                                                      : machine.rates.l3_bytes_per_second;
  // A vector holds half as many doubles as floats.
  const double peak = machine.macs_per_second() / (problem.dtype == Dtype::f64 ? 2 : 1);
  cost.roofline_seconds =
      std::max(static_cast<double>(cost.macs) / peak, static_cast<double>(moved) / rate) / threads;
  return cost;
}

std::vector<CostFormula> cost_formulas(const Problem& problem) {
  validate(problem);
  const Counts counts(problem);
  const auto elements = [&](const Factors& factors) {
    return figure(in_bytes(factors, problem.dtype)).text;
  };
  const std::string bias = problem.bias ? " + bytes of the bias" : "";
  return {{"multiplications", counts.multiplications().text},
          {"additions", counts.additions().text},
          {"operations", "multiplications + additions"},
          {"macs", "multiplications"},
          {"flops", "2 macs"},
          {"multiplications_without_padding", counts.multiplications_without_padding().text},
          {"additions_without_padding", counts.additions_without_padding().text},
          {"parameters", figure(counts.weight()).text},
          {"parameters_with_bias", "parameters + c_o = parameters + " + values(counts.biases())},
          {"bytes_input", elements(counts.input())},
          {"bytes_weight", elements(counts.weight())},
          {"bytes_output", elements(counts.outputs())},
          {"bytes_grad_input", "bytes_input"},
          {"bytes_grad_weight", "bytes_weight"},
          {"bytes_grad_output", "bytes_output"},
          {"memory_forward_bytes", "bytes_input + bytes_weight + bytes_output" + bias},
          {"memory_training_forward_bytes",
           "memory_forward_bytes, of which x and the weight stay for the gradients"},
          {"memory_backward_bytes",
           "bytes of x, weight, dy, dx and dweight" +
               std::string(problem.bias ? ", and of the gradient of the bias" : "")}};
}

}  // namespace plait
