// oneDNN as a peer: a process of its own that reads requests from stdin, one JSON object a line,
// and answers each by a line on what stdout was at the start. Column `onednn` has x and y in NCHW,
// `onednn_any` in the layouts that oneDNN asks for. In both the weight is packed beforehand.
#include <dlfcn.h>
#include <fcntl.h>
#include <oneapi/dnnl/dnnl_debug.h>
#include <sched.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

using dnnl::memory;
using nlohmann::json;

constexpr double kShortestTimingSeconds = 20e-6;
constexpr auto kFloat = memory::data_type::f32;

[[noreturn]] void refuse(const std::string& reason) { throw std::runtime_error(reason); }

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// === the process ===

// oneDNN has no call that sets the threads of its TBB build. TBB takes as many as the affinity mask
// has CPUs when it is first used, so the mask is reduced to its first n CPUs before that.
void limit_to_threads(int threads) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof(mask), &mask) != 0) refuse("the affinity mask cannot be read");
  const int allowed = CPU_COUNT(&mask);
  if (threads < 1 || threads > allowed) {
    refuse("usage: onednn_driver --threads N, from 1 to the " + std::to_string(allowed) +
           " CPUs of the affinity mask");
  }
  int kept = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &mask) && ++kept > threads) CPU_CLR(cpu, &mask);
  }
  if (sched_setaffinity(0, sizeof(mask), &mask) != 0) refuse("the affinity mask cannot be set");
}

// A SYCL build finds its CPU through OpenCL. The Python packages put OpenCL's runtime for CPUs
// beside libdnnl.so, where no OpenCL loader looks.
void point_to_cpu_runtime() {
  Dl_info library;
  if (dladdr(reinterpret_cast<const void*>(&dnnl_version), &library) != 0) {
    const auto runtime =
        std::filesystem::path(library.dli_fname).replace_filename("libintelocl.so");
    setenv("OCL_ICD_FILENAMES", runtime.c_str(), /*overwrite=*/0);
  }
  setenv("ONEAPI_DEVICE_SELECTOR", "opencl:cpu", /*overwrite=*/0);
}

// Answers go here, so that libraries that print to stdout do not write between them.
std::FILE* take_stdout() {
  const int descriptor = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (descriptor < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) refuse("no stdout");
  return fdopen(descriptor, "w");
}

// === the problem ===

// x[n, c_i, h, w], k[groups, c_o / groups, c_i / groups, k_h, k_w], y[n, c_o, y_h, y_w].
struct Shapes {
  memory::dims x, k, y, stride, dilation, padding_before, padding_after;
  bool grouped;
};

int64_t output_size(int64_t size, int64_t padding, int64_t kernel, int64_t stride,
                    int64_t dilation) {
  if (stride < 1) refuse("stride must be positive");
  const int64_t steps = size + padding - (dilation * (kernel - 1) + 1);
  if (steps < 0) refuse("the kernel does not fit into the padded input");
  return steps / stride + 1;
}

Shapes read_shapes(const json& problem) {
  const auto number = [&](const char* name) { return problem.at(name).get<int64_t>(); };
  const auto numbers = [&](const char* name, size_t count) {
    auto values = problem.at(name).get<memory::dims>();
    if (values.size() != count) refuse(std::string(name) + ": wrong length");
    return values;
  };
  const auto dilation = numbers("dilation", 2), padding = numbers("padding", 4);
  const int64_t n = number("n"), c_i = number("c_i"), h = number("h"), w = number("w");
  const int64_t c_o = number("c_o"), k_h = number("k_h"), k_w = number("k_w"),
                groups = number("groups");
  if (groups < 1) refuse("groups must be positive");

  Shapes shapes;
  shapes.stride = numbers("stride", 2);
  shapes.grouped = groups > 1;
  shapes.x = {n, c_i, h, w};
  shapes.k = {c_o / groups, c_i / groups, k_h, k_w};
  if (shapes.grouped) shapes.k.insert(shapes.k.begin(), groups);
  shapes.y = {n, c_o, output_size(h, padding[0] + padding[1], k_h, shapes.stride[0], dilation[0]),
              output_size(w, padding[2] + padding[3], k_w, shapes.stride[1], dilation[1])};
  shapes.dilation = {dilation[0] - 1, dilation[1] - 1};  // oneDNN's dilation counts the gaps
  shapes.padding_before = {padding[0], padding[2]};
  shapes.padding_after = {padding[1], padding[3]};
  return shapes;
}

// === files ===

memory read_dense(const memory::desc& desc, const dnnl::engine& engine, const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) refuse("cannot open " + path);
  if (static_cast<size_t>(file.tellg()) != desc.get_size()) {
    refuse(path + " has " + std::to_string(file.tellg()) + " bytes, not " +
           std::to_string(desc.get_size()));
  }
  memory values(desc, engine);
  char* data = values.map_data<char>();
  file.seekg(0).read(data, static_cast<std::streamsize>(desc.get_size()));
  values.unmap_data(data);
  if (!file) refuse("cannot read " + path);
  return values;
}

void write_dense(const memory& values, const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  char* data = values.map_data<char>();
  file.write(data, static_cast<std::streamsize>(values.get_desc().get_size()));
  values.unmap_data(data);
  if (!file.flush()) refuse("cannot write " + path);
}

// === the convolution ===

using Plan = dnnl::convolution_forward::primitive_desc;

Plan describe(const Shapes& shapes, bool nchw, const dnnl::engine& engine) {
  const auto tag = nchw ? memory::format_tag::nchw : memory::format_tag::any;
  const memory::desc x(shapes.x, kFloat, tag), y(shapes.y, kFloat, tag);
  const memory::desc k(shapes.k, kFloat, memory::format_tag::any);
  dnnl::primitive_attr attributes;
  attributes.set_fpmath_mode(dnnl::fpmath_mode::strict);  // even if the environment says otherwise
  return Plan(engine, dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_auto, x, k,
              y, shapes.stride, shapes.dilation, shapes.padding_before, shapes.padding_after,
              attributes);
}

class Driver {
 public:
  json answer(const json& request) {
    const auto what = request.at("do").get<std::string>();
    if (what == "hello") return hello();
    if (what == "prepare") return prepare(request);
    if (what == "burst") return burst(request.at("seconds"), request.at("warm_up"));
    if (what == "release") {
      layer_.reset();
      return {{"ok", true}};
    }
    refuse("unknown request: " + what);
  }

 private:
  struct Layer {
    dnnl::convolution_forward convolution;
    std::unordered_map<int, memory> arguments;
  };

  // Made by the first request, so that a missing CPU runtime is a reason, not a crash.
  void start() {
    if (engine_) return;
    engine_ = dnnl::engine(dnnl::engine::kind::cpu, 0);
    stream_ = dnnl::stream(engine_);
  }

  json hello() {
    start();
    const dnnl_version_t& version = *dnnl_version();
    const std::string text = std::to_string(version.major) + "." + std::to_string(version.minor) +
                             "." + std::to_string(version.patch);
    return {
        {"peer", "onednn"},
        {"version", text},
        {"columns",
         {{{"name", "onednn"}, {"layout", "nchw"}}, {{"name", "onednn_any"}, {"layout", "own"}}}}};
  }

  memory reordered(memory values, const memory::desc& desc) {
    if (values.get_desc() == desc) return values;
    memory result(desc, engine_);
    dnnl::reorder(values, result).execute(stream_, values, result);
    stream_.wait();
    return result;
  }

  json prepare(const json& request) {
    layer_.reset();  // before the new one is made, as both may not fit in memory
    start();
    const auto column = request.at("column").get<std::string>();
    const bool nchw = column == "onednn";
    if (!nchw && column != "onednn_any") refuse("unknown column: " + column);
    const Shapes shapes = read_shapes(request.at("problem"));
    const memory::desc dense_x(shapes.x, kFloat, memory::format_tag::nchw);
    const memory::desc dense_y(shapes.y, kFloat, memory::format_tag::nchw);
    const memory::desc dense_k(
        shapes.k, kFloat, shapes.grouped ? memory::format_tag::goihw : memory::format_tag::oihw);
    const memory raw_k = read_dense(dense_k, engine_, request.at("k"));
    memory x = read_dense(dense_x, engine_, request.at("x"));

    const double start_seconds = seconds_now();
    const auto plan = describe(shapes, nchw, engine_);
    const dnnl::convolution_forward convolution(plan);
    const memory k = reordered(raw_k, plan.weights_desc());
    x = reordered(x, plan.src_desc());
    const memory y(plan.dst_desc(), engine_);
    const Layer layer{convolution, {{DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, k}, {DNNL_ARG_DST, y}}};
    run(layer, 1);
    const double prepare_seconds = seconds_now() - start_seconds;  // up to the first output

    if (request.contains("y")) write_dense(reordered(y, dense_y), request.at("y"));
    layer_ = layer;
    return {{"ok", true}, {"prepare_seconds", prepare_seconds}, {"note", plan.impl_info_str()}};
  }

  // Seconds per call.
  double run(const Layer& layer, int64_t calls) {
    const double start_seconds = seconds_now();
    for (int64_t i = 0; i < calls; ++i) {
      layer.convolution.execute(stream_, layer.arguments);
      stream_.wait();
    }
    return (seconds_now() - start_seconds) / static_cast<double>(calls);
  }

  json burst(double seconds, int64_t warm_up) {
    if (!layer_) refuse("burst before prepare");
    for (int64_t i = 0; i < warm_up; ++i) run(*layer_, 1);
    const double start_seconds = seconds_now();
    std::vector<double> times = {run(*layer_, 1)};
    const double calls = std::ceil(kShortestTimingSeconds / times.front());
    if (calls > 1) times.clear();
    while (times.empty() || seconds_now() - start_seconds < seconds) {
      times.push_back(run(*layer_, static_cast<int64_t>(calls)));
    }
    return {{"seconds", times}};
  }

  dnnl::engine engine_;
  dnnl::stream stream_;
  std::optional<Layer> layer_;
};

json refusal(const std::string& reason) { return {{"ok", false}, {"reason", reason}}; }

json answer_line(Driver& driver, const std::string& line) {
  try {
    return driver.answer(json::parse(line));
  } catch (const dnnl::error& error) {
    return refusal(std::string("oneDNN: ") + error.what() + ": " + dnnl_status2str(error.status));
  } catch (const std::exception& error) {
    return refusal(error.what());
  }
}

void serve(std::FILE* answers) {
  Driver driver;
  std::string text;
  while (std::getline(std::cin, text)) {
    // Reasons may quote bytes that are not UTF-8.
    text = answer_line(driver, text).dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
    std::fputs(text.c_str(), answers);
    std::fflush(answers);
  }
}

}  // namespace

int main(int argc, char** argv) try {
  const bool asked = argc == 3 && std::string(argv[1]) == "--threads";
  limit_to_threads(asked ? std::atoi(argv[2]) : 0);
  point_to_cpu_runtime();
  serve(take_stdout());
} catch (const std::exception& error) {
  std::fprintf(stderr, "onednn_driver: %s\n", error.what());
  return 2;
}
