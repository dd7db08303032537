// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/models/save.hpp>
