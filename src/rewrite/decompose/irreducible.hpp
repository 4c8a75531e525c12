// Polynomials in two variables that have no factors, with numbers that prove it.
#pragma once

#include <vector>

#include "rewrite/decompose/plane.hpp"

namespace plait::rewrite {

// f of (m + 1) x (n + 1) coefficients, x-degree exactly m >= 1 and y-degree exactly n >= 1, has
// factors over the complex numbers only if
//
//   d/dy (g / f) = d/dx (h / f),  g of degrees (m - 1, n), h of degrees (m, n - 2)
//
// has a solution that is not zero (Ruppert 1999; Gao 2003). The equation is linear in g and h: its
// matrix is R(f), 4 m n x (2 m n + n - 1), and linear in f. If R has full rank, f is irreducible.
//
// Why: let f = a b. Then g = b a_x, h = b a_y is a solution but for the degree of h, which may be
// n - 1, where its coefficient of y^(n - 1) is n_a times that of y^n in f; and so for b. Hence n_b
// (b a_x, b a_y) - n_a (a b_x, a b_y) has the right degrees. It is zero only if a^n_b = c b^n_a,
// that is, f = c p^k with k > 1; then g = -c p^(k-2) p_x, h = -c p^(k-2) p_y is one. A polynomial
// of smaller y-degree has the solution (f_x, f_y). So R(f + e) has full rank for every e of the
// same size with ||R(e)|| < sigma_min(R(f)): no kernel as near to f as that is a product (Kaltofen
// and May 2003).
struct Irreducibility {
  int columns = 0;
  double largest = 0;   // singular value of R(f)
  double smallest = 0;  // the bound of its rounding already taken off
  // No kernel of this size within this distance, relative to ||f||, has factors.
  double distance = 0;
  int nullity = 0;          // singular values that such a distance below the tolerance explains
  std::vector<Plane> g, h;  // for each: the solutions, g of m x (n + 1), h of (m + 1) x (n - 1)
};
Irreducibility irreducibility(const Plane& f, double tolerance);

// Whether c_0 + c_1 x + ..., known within `error` in [-1, 1], has no real root, and none at
// infinity (its degree is what its size says): proved by bisection, with the bound that its
// derivative gives.
bool never_zero(const std::vector<double>& coefficients, double error);

// Whether x-degree and y-degree of every real factor of f, known within the tolerance, are even,
// for f has no real root on some line along that axis. A factor restricted to the line has none
// either.
struct EvenDegrees {
  bool in_x = false;
  bool in_y = false;
};
EvenDegrees even_degrees(const Plane& f, double tolerance);

}  // namespace plait::rewrite
