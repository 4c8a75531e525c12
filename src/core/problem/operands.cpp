#include <plait/operands.hpp>

namespace plait {
namespace {

Operand input(const Problem& p, std::string_view name) {
  return {name, p.x_shape(), p.effective_x_strides(), p.x_layout};
}
Operand output(const Problem& p, std::string_view name) {
  return {name, p.y_shape(), p.effective_y_strides(), p.y_layout};
}
Operand weight(const Problem& p, std::string_view name) {
  return {name, p.weight_shape(), dense_strides(p.weight_shape())};
}

}  // namespace

Operand first_operand(const Problem& problem) {
  switch (problem.direction) {
    case Direction::forward:
    case Direction::backward_weights:
      return input(problem, "x");
    case Direction::backward_data:
    case Direction::backward_bias:
      break;
  }
  return output(problem, "dy");
}

Operand second_operand(const Problem& problem) {
  if (reads_weights(problem.direction)) return weight(problem, "weight");
  if (problem.direction == Direction::backward_weights) return output(problem, "dy");
  return {"nothing", {}, {}};
}

Operand result_operand(const Problem& problem) {
  switch (problem.direction) {
    case Direction::forward:
      return output(problem, "y");
    case Direction::backward_data:
      return input(problem, "dx");
    case Direction::backward_weights:
      return weight(problem, "dweight");
    case Direction::backward_bias:
      break;
  }
  return {"dbias", {problem.c_o}, {1}};
}

}  // namespace plait
