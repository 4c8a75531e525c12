// Everything plait offers to C++.
#pragma once

#include <plait/accuracy.hpp>
#include <plait/channels.hpp>
#include <plait/compose.hpp>
#include <plait/conv2d.hpp>
#include <plait/corr2d.hpp>
#include <plait/decompose.hpp>
#include <plait/error.hpp>
#include <plait/executor.hpp>
#include <plait/fold.hpp>
#include <plait/im2col.hpp>
#include <plait/inspect.hpp>
#include <plait/layer_class.hpp>
#include <plait/layer_cost.hpp>
#include <plait/layers.hpp>
#include <plait/machine.hpp>
#include <plait/measure.hpp>
#include <plait/operands.hpp>
#include <plait/plan.hpp>
#include <plait/problem.hpp>
#include <plait/strip_study.hpp>
#include <plait/tensor.hpp>
#include <plait/verify.hpp>
#include <plait/version.hpp>
