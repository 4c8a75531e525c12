// The engine: problems, plans, convolutions. What is computed about layers is <plait/analysis.hpp>,
// rewriting them <plait/rewrite.hpp>.
#pragma once

#include <plait/conv2d.hpp>
#include <plait/corr2d.hpp>
#include <plait/error.hpp>
#include <plait/executor.hpp>
#include <plait/machine.hpp>
#include <plait/operands.hpp>
#include <plait/plan.hpp>
#include <plait/problem.hpp>
#include <plait/tensor.hpp>
#include <plait/version.hpp>
