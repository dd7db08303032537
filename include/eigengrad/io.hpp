// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/io/fields.hpp>
#include <eigengrad/io/file.hpp>
#include <eigengrad/io/json.hpp>
#include <eigengrad/io/safetensors.hpp>
#include <eigengrad/io/tensorboard.hpp>
