// The error classes and their limits (docs/testing.md).
#include <plait/plan.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace plait {
namespace {

struct Class {
  Accuracy accuracy;
  std::string_view name;
  double limit;
};
constexpr std::array kClasses = {Class{Accuracy::strict, "strict", 5e-7},
                                 Class{Accuracy::fp32, "fp32", 2e-6},
                                 Class{Accuracy::relaxed, "relaxed", 5e-6}};

const Class& class_of(Accuracy accuracy) {
  return *std::find_if(kClasses.begin(), kClasses.end(),
                       [&](const Class& c) { return c.accuracy == accuracy; });
}

}  // namespace

double error_limit(Accuracy accuracy) { return class_of(accuracy).limit; }
std::string_view name_of(Accuracy accuracy) { return class_of(accuracy).name; }

Accuracy parse_accuracy(std::string_view name) {
  std::string known;
  for (const Class& c : kClasses) {
    if (c.name == name) return c.accuracy;
    known += (known.empty() ? "" : ", ") + std::string(c.name);
  }
  throw Error(Status::invalid_argument,
              "unknown accuracy \"" + std::string(name) + "\" (known: " + known + ")");
}

}  // namespace plait
