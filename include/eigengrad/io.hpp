// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/io/fields.hpp>
#include <eigengrad/io/file.hpp>
#include <eigengrad/io/json.hpp>
#include <eigengrad/io/json_value.hpp>
#include <eigengrad/io/load_safetensors.hpp>
#include <eigengrad/io/npy.hpp>
#include <eigengrad/io/npy_header.hpp>
#include <eigengrad/io/npz.hpp>
#include <eigengrad/io/protobuf.hpp>
#include <eigengrad/io/safetensors.hpp>
#include <eigengrad/io/safetensors_dtype.hpp>
#include <eigengrad/io/safetensors_file.hpp>
#include <eigengrad/io/safetensors_header.hpp>
#include <eigengrad/io/safetensors_index.hpp>
#include <eigengrad/io/tensorboard.hpp>
#include <eigengrad/io/utf8.hpp>
#include <eigengrad/io/zip.hpp>
