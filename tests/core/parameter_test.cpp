// SPDX-License-Identifier: MIT
#include <eigengrad/core/parameter.hpp>
#include <tests/support/test.hpp>

using eg::ParameterKind;
using eg::Shape;

TEST_CASE("parameter: a role follows from the shape where nobody says one") {
  CHECK(eg::default_role(Shape{}).kind == ParameterKind::kBias);
  CHECK(eg::default_role(Shape{4}).kind == ParameterKind::kBias);
  CHECK(eg::default_role(Shape{4, 3}).kind == ParameterKind::kWeight);
  CHECK(eg::default_role(Shape{1, 5, 3}).kind == ParameterKind::kPosition);
  CHECK(eg::default_role(Shape{4, 3, 2, 2}).kind == ParameterKind::kConvolution);
  const eg::ParameterRole role = eg::default_role(Shape{12, 4});
  CHECK(role.row_blocks == 1);
  CHECK_FALSE(role.place.has_value());
}
