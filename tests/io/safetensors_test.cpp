// SPDX-License-Identifier: MIT
#include <eigengrad/io/safetensors.hpp>
#include <tests/support/test.hpp>

TEST_CASE("safetensors: value") {
  const std::string path = "safetensors_test.tmp.safetensors";
  const auto x = test::random<double>({3, 1, 17});
  eg::io::save_safetensors<double>(path, {{"x", x}}, {{"k", "v"}});
  const eg::io::SafetensorsFile file(path);
  CHECK_SAME(file.get<double>("x"), x);
  CHECK_CLOSE(file.get<float>("x"), x, 1e-7);
  std::remove(path.c_str());
  CHECK(file.metadata().at("k") == "v");
}
