// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core.hpp>
#include <eigengrad/data.hpp>
#include <eigengrad/image.hpp>
#include <eigengrad/inspect.hpp>
#include <eigengrad/io.hpp>
#include <eigengrad/models.hpp>
#include <eigengrad/nn.hpp>
#include <eigengrad/ops.hpp>
#include <eigengrad/optim.hpp>
