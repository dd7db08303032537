// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/ops/softmax.hpp>
