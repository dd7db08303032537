// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/image/blur.hpp>
#include <eigengrad/image/byte_image.hpp>
#include <eigengrad/image/byte_lanes.hpp>
#include <eigengrad/image/enhance.hpp>
#include <eigengrad/image/hue.hpp>
#include <eigengrad/image/image_format.hpp>
#include <eigengrad/image/point_ops.hpp>
#include <eigengrad/image/resize.hpp>
#include <eigengrad/image/resize_axis.hpp>
#include <eigengrad/image/warp.hpp>
