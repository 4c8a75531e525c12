// What is computed about problems, machines and results rather than with them.
#pragma once

#include <plait/analysis/accuracy.hpp>
#include <plait/analysis/channels.hpp>
#include <plait/analysis/im2col.hpp>
#include <plait/analysis/layer_class.hpp>
#include <plait/analysis/layer_cost.hpp>
#include <plait/analysis/measure.hpp>
#include <plait/analysis/strip_study.hpp>
#include <plait/analysis/verify.hpp>
