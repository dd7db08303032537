// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core.hpp>
#include <eigengrad/ops.hpp>
