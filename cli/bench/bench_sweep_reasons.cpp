#include "bench/bench_sweep_reasons.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include <plait/text.hpp>

namespace plait::cli {
namespace {

constexpr double kAlike = 0.03;  // of the time: less is no difference on a shared machine
// Of the share that the best reaches of the model's: a delta with less has a fault of its own.
constexpr double kUnexplained = 0.7;

std::string channels_text(int channels) {
  return fmt::format("{} channel{}", channels, channels == 1 ? "" : "s");
}

struct Timed {
  const StripStudy* study;
  double seconds;
  double peak_share;
  double model_share;
  double cycles;  // of a term
};

std::vector<Timed> timed_of(const DeltaSweep& sweep) {
  std::vector<Timed> all;
  for (std::size_t i = 0; i < sweep.entries.size(); ++i) {
    const BenchLine& line = sweep.run.lines[i];
    if (!line.measured() || !sweep.entries[i].study) continue;
    const double seconds = sweep.seconds(i);
    all.push_back({&*sweep.entries[i].study, seconds, sweep.peak_share(i), sweep.model_share(i),
                   sweep.measured_cycles(i)});
  }
  return all;
}

std::string best_line(const std::vector<Timed>& all, const Timed& best) {
  std::string alike;
  for (const Timed& one : all) {
    if (&one == &best || one.seconds > (1 + kAlike) * best.seconds) continue;
    alike += fmt::format("{}{}", alike.empty() ? "" : ", ", one.study->delta);
  }
  const Timed& expected =
      *std::min_element(all.begin(), all.end(), [](const Timed& a, const Timed& b) {
        return a.study->predicted_seconds() < b.study->predicted_seconds();
      });
  const auto reached = [](const Timed& one) { return one.peak_share / one.model_share; };
  const Timed& least =
      *std::min_element(all.begin(), all.end(),
                        [&](const Timed& a, const Timed& b) { return reached(a) < reached(b); });
  std::string text =
      fmt::format("best: delta {}, {} of the multiply-add peak where the model has {}",
                  best.study->delta, percent_text(best.peak_share), percent_text(best.model_share));
  if (!alike.empty()) text += ", and within 3 % of its time " + alike;
  text += fmt::format(". The model's best is {}", expected.study->delta);
  if (&expected != &best) {
    text += fmt::format(", which takes {:.2f} times as long", expected.seconds / best.seconds);
  }
  if (reached(least) < kUnexplained * reached(best)) {
    text += fmt::format(
        ". Delta {} takes {:.1f} cycles a term, not the {:.1f} of the model: its loop, as "
        "compiled, "
        "or something else outside the model holds it back",
        least.study->delta, least.cycles, least.cycles * reached(least));
  }
  return text + ".";
}

std::string inputs_line(const std::vector<Timed>& all, const Timed& best) {
  const StripStudy& first = *all.front().study;
  const StripStudy& last = *all.back().study;
  if (first.inputs_without_strips <= 1) {
    return "inputs: a row of one tap has nothing to share; no delta touches less than 1 an output.";
  }
  std::string touched;
  for (const StripStudy* one : {&first, best.study, &last}) {
    if (one == best.study && (one == &first || one == &last)) continue;
    touched += fmt::format("{}{:.2f} with delta {}", touched.empty() ? "" : ", ",
                           one->inputs_touched, one->delta);
  }
  return fmt::format(
      "inputs: {} per output and row of taps without strips; different ones {}: beyond delta {} a "
      "wider strip could save {:.2f} at most.",
      first.inputs_without_strips, touched, best.study->delta,
      best.study->inputs_touched - last.inputs_touched);
}

std::string loads_line(const Timed& best) {
  const StripStudy& s = *best.study;
  const bool hidden = s.load_cycles <= s.multiply_add_cycles;
  return fmt::format(
      "loads: every tap loads its inputs anew from L1, for {} at once, and every weight "
      "for {} outputs. A term takes {:.1f} cycles of loads and {:.1f} of multiply-adds, {}; "
      "measured with all else {:.1f}.",
      channels_text(s.rows), s.delta, s.load_cycles, s.multiply_add_cycles,
      hidden ? "which the model takes to hide them" : "which do not hide them", best.cycles);
}

std::string cache_line(const std::vector<Timed>& all, const Timed& best) {
  const StripStudy& s = *best.study;
  double cache = 0;
  double tails = 0;
  int widest_tail = s.delta;
  for (const Timed& one : all) {
    const double whole = one.study->predicted_seconds();
    cache = std::max(cache, one.study->seconds_of(StripLimit::cache) / whole);
    const double share = one.study->seconds_of(StripLimit::columns) / whole;
    if (share > tails) {
      tails = share;
      widest_tail = one.study->delta;
    }
  }
  const std::string strip = s.strip_bytes == 0
                                ? "inputs are read in place"
                                : fmt::format("the strip fits {}", name_of(s.strip_level));
  return fmt::format(
      "cache and w': {}, the weights of a row of tiles {}; the model has at most {} of a time for "
      "operands beyond L1, and for columns that no output needs {} here, at most {} (delta {}).",
      strip, name_of(s.panel_level), percent_text(cache),
      percent_text(s.seconds_of(StripLimit::columns) / s.predicted_seconds()), percent_text(tails),
      widest_tail);
}

// Which part of the predicted time grows most from one to the other.
std::string cause(const StripStudy& from, const StripStudy& to) {
  std::size_t most = 1;
  for (std::size_t i = 1; i < kStripLimits; ++i) {
    if (to.seconds[i] - from.seconds[i] > to.seconds[most] - from.seconds[most]) most = i;
  }
  const double more = to.seconds[most] - from.seconds[most];
  const double whole = to.predicted_seconds() / from.predicted_seconds();
  if (more <= 0) return fmt::format("the model says {:.2f}", whole);
  return fmt::format("the model says {:.2f}, of which {:+.2f} {}", whole,
                     more / from.predicted_seconds(), name_of(static_cast<StripLimit>(most)));
}

// The nearest on one side that is not as fast, or the farthest; null if there is none.
template <class Iterator>
const Timed* neighbour(Iterator begin, Iterator end, const Timed& best) {
  const Timed* farthest = nullptr;
  for (; begin != end; ++begin) {
    farthest = &*begin;
    if (begin->seconds > (1 + kAlike) * best.seconds) break;
  }
  return farthest;
}

std::string wider_line(const Timed& best, const Timed* wider) {
  const StripStudy& s = *best.study;
  const std::string registers =
      s.registers_if_wider > s.registers
          ? fmt::format("{} with one more {} need {} registers of {}", channels_text(s.rows),
                        s.lanes_are_channels ? "pixel" : "vector", s.registers_if_wider,
                        s.registers)
          : fmt::format("{} of {} registers are taken", s.registers_used, s.registers);
  if (wider == nullptr) return fmt::format("wider: {}; there is no wider tile.", registers);
  const StripStudy& w = *wider->study;
  const double measured = wider->seconds / best.seconds;
  const double model = w.predicted_seconds() / s.predicted_seconds();
  // 3x3 against 9x1, whose loads cross no cache line, with tiles of 4 x 96: 1.12 times the cycles
  // [Emerald Rapids VM, 2026-11-26].
  const bool loads = w.load_cycles > s.load_cycles && measured > (1 + kAlike) * model;
  return fmt::format(
      "wider: {}; delta {} has {}, so each input loaded serves {} instead of {}. It takes "
      "{:.2f} times as long; {}{}.",
      registers, w.delta, channels_text(w.rows), w.rows, s.rows, measured, cause(s, w),
      loads ? ", as it hides loads whole" : "");
}

std::string narrower_line(const Timed& best, const Timed* narrower) {
  if (narrower == nullptr) return "narrower: there is no narrower tile.";
  const StripStudy& s = *best.study;
  const StripStudy& n = *narrower->study;
  return fmt::format(
      "narrower: delta {} has {}, and each weight loaded serves {} outputs instead of {}. "
      "It takes {:.2f} times as long; {}.",
      n.delta, channels_text(n.rows), n.delta, s.delta, narrower->seconds / best.seconds,
      cause(s, n));
}

}  // namespace

std::vector<std::string> delta_explanation(const DeltaSweep& sweep) {
  const std::vector<Timed> all = timed_of(sweep);
  if (all.size() < 2) return {};
  const auto best = std::min_element(
      all.begin(), all.end(), [](const Timed& a, const Timed& b) { return a.seconds < b.seconds; });
  return {best_line(all, *best),
          inputs_line(all, *best),
          loads_line(*best),
          cache_line(all, *best),
          wider_line(*best, neighbour(best + 1, all.end(), *best)),
          narrower_line(*best, neighbour(std::make_reverse_iterator(best), all.rend(), *best))};
}

}  // namespace plait::cli
