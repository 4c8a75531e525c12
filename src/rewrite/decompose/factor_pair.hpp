// Two factors of a kernel of one channel: how well they fit, and how they are made to fit better.
#pragma once

#include <string>
#include <vector>

#include <plait/rewrite/decompose.hpp>

#include "rewrite/decompose/plane.hpp"

namespace plait::rewrite {

// Whether a kernel is two kernels that are both larger than 1x1, and which.
struct Factoring {
  Answer answer = Answer::undecided;
  std::string reason;
  std::vector<NamedNumber> numbers;
  Plane first, second;  // if found

  void say(Answer answer_, const std::string& reason_) {
    answer = answer_;
    reason = reason_;
  }
};

// ||f - a * b|| / ||f||, Frobenius.
double residual_of(const Plane& f, const Plane& a, const Plane& b);

// Whether the factors, rounded to the type with this epsilon, give f within the rounding of f's
// values and of theirs, which cancellation enlarges: 4 epsilon (4 + || |a| * |b| || / ||f||), at
// most 1000 times the least.
struct Fit {
  double residual = 0;  // of the rounded factors
  double allowed = 0;
  bool fits() const { return residual <= allowed; }
};
Fit fit_of(const Plane& f, const Plane& a, const Plane& b, double epsilon);

// Changes a and b to lessen the residual, by Levenberg and Marquardt's method, and returns it.
// Stops early where further steps gain almost nothing.
double refine(const Plane& f, Plane& a, Plane& b, int most_steps);

// The b that has the least residual with this a.
Plane divided(const Plane& f, const Plane& a);

// Scales a and b so that their product stays and the first value of a that is not small becomes 1.
void normalise(Plane& a, Plane& b);

// Sets answer, reason, residual and factors if a and b fit; returns whether they do.
bool take_if_fits(const Plane& f, const Plane& a, const Plane& b, double epsilon,
                  const std::string& reason, Factoring& result);

}  // namespace plait::rewrite
