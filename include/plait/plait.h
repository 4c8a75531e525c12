// plait for C: a problem line in, then plan, pack, run, explain. This file is the only ABI plait
// promises: what is here stays as it is while the library's SONAME does; structs grow at their end.
//
//   plait_plan* plan = NULL;
//   if (plait_plan_create("1x64x56x56,64x64x3x3,p1", NULL, &plan) != PLAIT_OK) {
//     fprintf(stderr, "%s\n", plait_error_message());
//   }
//
// Status: functions that can fail return a plait_status. On a failure they have written nothing
// (but see PLAIT_CANCELLED and plait_executor) and plait_error_message() says what broke. A NULL
// that is not explicitly allowed is an error, never a crash; so is every shape, format or limit
// that does not fit. What cannot be checked is that pointers and sizes are true.
//
// Ownership: whatever a _create or _pack function hands out is the caller's to destroy, in any
// order: nothing holds on to another. Destroying NULL does nothing. Arrays stay the caller's and
// are not used after the call that they were handed to.
//
// Threads: plans and packed weights never change. Any functions may be called at the same time on
// the same ones, plait_run_* too if outputs and workspaces are distinct; only destroying must wait
// until no other call uses the object. Error messages are kept per thread.
//
// Tensors are addresses of their first element; shapes and strides are the problem's (in elements,
// dense NCHW unless its line says otherwise): x[n, c_i, h, w], y and residual [n, c_o, h', w'];
// weight[c_o, c_i/groups, k_h, k_w] and bias[c_o] are always dense. docs/problem-line.md describes
// the line.
#ifndef PLAIT_PLAIT_H_
#define PLAIT_PLAIT_H_

#include <stddef.h>
#include <stdint.h>

// As in export.hpp: here again, so that this file is all that C needs.
#ifndef PLAIT_API
#if defined(__GNUC__)
#define PLAIT_API __attribute__((visibility("default")))
#else
#define PLAIT_API
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum plait_status {
  PLAIT_OK = 0,
  PLAIT_INVALID_ARGUMENT = 1,  // breaks a rule of the mathematics or of this file
  PLAIT_UNSUPPORTED = 2,       // legal, but nothing here can do it within limits and memory
  PLAIT_CANCELLED = 3,         // plait_cancel_set was called during the run; y is unspecified
  PLAIT_INTERNAL = 4           // a fault of plait
} plait_status;

typedef struct plait_plan plait_plan;      // how one problem is computed, within limits
typedef struct plait_packed plait_packed;  // weights and bias in the order one plan wants them
typedef struct plait_cancel plait_cancel;  // a flag that ends runs early

// The version of the library that is running, "0.1.0".
PLAIT_API const char* plait_version(void);

// What the calling thread's last failed call broke, in one line that names the shapes and the rule;
// "" if none failed yet. Valid until this thread's next failing call.
PLAIT_API const char* plait_error_message(void);

// ---- Planning -----------------------------------------------------------------------------------

#define PLAIT_NO_WORKSPACE_CAP SIZE_MAX

// What the plan may do. Start from PLAIT_LIMITS_INIT: it fills in the defaults and the size that
// tells the library which fields the caller knows.
typedef struct plait_limits {
  size_t struct_bytes;         // sizeof(plait_limits)
  size_t max_workspace_bytes;  // 0 always works; PLAIT_NO_WORKSPACE_CAP
  const char* accuracy;        // "strict", "fp32" or "relaxed"; NULL: "fp32"
  const char* algorithm;      // take this one, or fail with its reason; NULL: the fastest predicted
  const char* packed_format;  // only algorithms that take a weight packed like this; NULL: any
  int32_t threads;            // 0: as many as the process may use
  int32_t prepacked;          // 0: every run is given weight and bias as they are, and packs them
  int32_t reproducible;       // not 0: the choice depends on problem and limits, not the machine
  int32_t tile_columns;       // outputs side by side in a register tile; 0: the algorithm's choice
} plait_limits;

#define PLAIT_LIMITS_INIT \
  { sizeof(plait_limits), PLAIT_NO_WORKSPACE_CAP, NULL, NULL, NULL, 0, 1, 0, 0 }

// Plans the problem of a line such as "1x64x56x56,64x64x3x3,p1,bias". `limits` may be NULL: all
// defaults. On failure *plan is NULL. The problem's dtype must be f32 or f64 to be run.
PLAIT_API plait_status plait_plan_create(const char* problem_line, const plait_limits* limits,
                                         plait_plan** plan);
PLAIT_API void plait_plan_destroy(plait_plan* plan);

// What is known before the run. Texts belong to the plan and live as long as it does.
typedef struct plait_plan_info {
  const char* algorithm;
  const char* target;         // SIMD instruction set: "EMU128", "SSE4", "AVX2", "AVX3"
  const char* packed_format;  // plans whose formats are equal share packed weights
  int64_t x_shape[4];         // n, c_i, h, w
  int64_t weight_shape[4];    // c_o, c_i/groups, k_h, k_w
  int64_t y_shape[4];         // n, c_o, h', w'
  int64_t multiplications;    // executed in one run
  size_t workspace_bytes;     // exact; a run allocates nothing else
  size_t packed_bytes;        // of the packed weight and bias; 0 unless prepacked
  double predicted_seconds;   // of one run
  double error_rms;           // expected rms error / rms output, for ReLU-like x and He's weights
  double error_bound;         // of the guarantee below
  int32_t threads;
  int32_t element_bytes;  // 4: use the _f32 functions; 8: the _f64 functions
  int32_t has_bias;       // whether the problem takes a bias, 0 or 1
  int32_t has_residual;   // whether it takes a residual, 0 or 1
  double error_range;     // of the guarantee below
  double error_floor;     // of the guarantee below
} plait_plan_info;

// What every plan guarantees for every output:
//   |computed - exact| <= error_bound * (error_range * max|x| * sum|K| + |bias| + |residual|)
//                         + error_floor * (1 + max|x| + max|K|)
// Here max|x| is over the output's window, padding included, and sum|K| and max|K| are over the
// weights of its output channel. An activation multiplies the bound by its largest slope and rounds
// once more. An output is infinite or NaN where the definition makes it so or a sum overflows, and
// nowhere else.

// Fills in the first `info_bytes` bytes of *info: sizeof(plait_plan_info).
PLAIT_API plait_status plait_plan_get_info(const plait_plan* plan, plait_plan_info* info,
                                           size_t info_bytes);

// Why the plan is as it is: a table of all algorithms, with costs and reasons. Ends with a newline;
// belongs to the plan. NULL on failure.
PLAIT_API const char* plait_plan_explain(const plait_plan* plan);

// ---- Packing weights ----------------------------------------------------------------------------

// Packs weight and bias (NULL if the problem has none) for a plan made with limits.prepacked. The
// result outlives the plan and fits every plan with the same packed_format. On failure *packed is
// NULL.
PLAIT_API plait_status plait_pack_f32(const plait_plan* plan, const float* weight,
                                      const float* bias, plait_packed** packed);
PLAIT_API plait_status plait_pack_f64(const plait_plan* plan, const double* weight,
                                      const double* bias, plait_packed** packed);
PLAIT_API void plait_packed_destroy(plait_packed* packed);

// ---- Running ------------------------------------------------------------------------------------

// May be set and cleared from any thread, also while runs poll it.
PLAIT_API plait_status plait_cancel_create(plait_cancel** cancel);
PLAIT_API plait_status plait_cancel_set(plait_cancel* cancel, int cancelled);
PLAIT_API void plait_cancel_destroy(plait_cancel* cancel);

// What runs the tasks of a run side by side, where a program has threads of its own
// (docs/executors.md). The struct and its context must live until the run returns; it will
// not grow.
//
// run calls task(data, index) for every index from 0 to count - 1, each once, in any order,
// possibly at the same time on different threads, and returns when all these calls have returned.
// Tasks do not wait for each other, and call no executor. count is at least 1, and at most 1024 and
// the plan's threads; one plait_run_* may call run several times, one after the other, always on
// the thread that it was itself called on. Calls of plait_run_* at the same time make calls of run
// at the same time. It must not throw or longjmp.
//
// A task called a second time is not run again, nor is an index out of range. After either, or
// where run returned before it had called each task, plait_run_* fails with PLAIT_INVALID_ARGUMENT
// and y is unspecified.
typedef struct plait_executor {
  void (*run)(void* context, int32_t count, void (*task)(void* data, int32_t index), void* data);
  void* context;  // handed to run as it is; may be NULL
} plait_executor;

typedef struct plait_run_options {
  size_t struct_bytes;             // sizeof(plait_run_options)
  void* workspace;                 // aligned to 64 bytes; NULL: the library's own, kept per thread
  size_t workspace_bytes;          // of `workspace`: at least the plan's
  const plait_cancel* cancel;      // polled every 50 ms or more often; NULL: runs to the end
  const plait_executor* executor;  // NULL: the library's own threads
} plait_run_options;

#define PLAIT_RUN_OPTIONS_INIT \
  { sizeof(plait_run_options), NULL, 0, NULL, NULL }

// y = act(conv(x, weight) + bias + residual). `residual` is NULL if the problem has none; `options`
// may be NULL. y must not overlap x or the residual. A plan of backward_data takes dy for x and
// writes dx to y.
PLAIT_API plait_status plait_run_f32(const plait_plan* plan, const float* x,
                                     const plait_packed* packed, const float* residual, float* y,
                                     const plait_run_options* options);
PLAIT_API plait_status plait_run_f64(const plait_plan* plan, const double* x,
                                     const plait_packed* packed, const double* residual, double* y,
                                     const plait_run_options* options);

// The same for a plan made with limits.prepacked == 0: weight and bias (NULL if the problem has
// none) are given as they are.
PLAIT_API plait_status plait_run_unpacked_f32(const plait_plan* plan, const float* x,
                                              const float* weight, const float* bias,
                                              const float* residual, float* y,
                                              const plait_run_options* options);
PLAIT_API plait_status plait_run_unpacked_f64(const plait_plan* plan, const double* x,
                                              const double* weight, const double* bias,
                                              const double* residual, double* y,
                                              const plait_run_options* options);

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // PLAIT_PLAIT_H_
