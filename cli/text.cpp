#include "text.hpp"

#include <fmt/format.h>

namespace plait::faces {

Totals totals_of(const std::vector<Measured>& measured) {
  Totals totals;
  for (const Measured& one : measured) {
    totals.seconds += one.seconds;
    totals.multiplications += one.multiplications;
    totals.kept_bound = totals.kept_bound && one.kept_bound();
  }
  return totals;
}

std::string seconds_text(double seconds) {
  if (seconds < 1e-3) return fmt::format("{:.3g} us", seconds * 1e6);
  if (seconds < 1) return fmt::format("{:.3g} ms", seconds * 1e3);
  return fmt::format("{:.3g} s", seconds);
}

std::string measured_text(const Measured& measured) {
  const ErrorReport& error = measured.error;
  std::string text;
  text += fmt::format("time      {}, median of {} run{}; packing the weights {}\n",
                      seconds_text(measured.seconds), measured.runs, measured.runs == 1 ? "" : "s",
                      seconds_text(measured.pack_seconds));
  text += fmt::format("rate      {:.3g} GFLOP/s\n", measured.gflops());
  text += fmt::format("error     rms {:.2g} of the output's, largest {:.2g}, {:.2g} of its bound",
                      error.relative_rms(), error.max_error, error.worst_bound_share);
  text += error.checked == error.outputs
              ? fmt::format(" (all {} outputs)\n", error.outputs)
              : fmt::format(" ({} of {} outputs)\n", error.checked, error.outputs);
  return text;
}

std::string totals_text(const Totals& totals, std::size_t convolutions) {
  return fmt::format("total     {} for {} convolutions, {:.3g} GFLOP/s\n",
                     seconds_text(totals.seconds), convolutions, totals.gflops());
}

}  // namespace plait::faces
