// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/nn/init.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/nn/state_dict.hpp>
