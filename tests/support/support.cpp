// SPDX-License-Identifier: MIT
// What most tests use, compiled once.
#include <eigengrad/io/safetensors.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>

namespace test {

template std::string difference(const NdArray<float>&, const NdArray<float>&, double);
template std::string difference(const NdArray<float>&, const NdArray<double>&, double);
template std::string difference(const NdArray<double>&, const NdArray<float>&, double);
template std::string difference(const NdArray<double>&, const NdArray<double>&, double);

eg::testing::GradcheckResult gradcheck(const eg::testing::GradcheckFunction& f,
                                       const std::vector<NdArray<double>>& inputs,
                                       const eg::testing::GradcheckTolerance& tolerance) {
  return eg::testing::gradcheck(f, inputs, tolerance);
}

Reference::Reference(const std::string& name)
    : file_(std::make_shared<eg::io::SafetensorsFile>(std::string(EIGENGRAD_TEST_DIR) +
                                                      "/reference/" + name + ".safetensors")) {}

template <class T>
NdArray<T> Reference::get(const std::string& name) const {
  return file_->get<T>(name);
}
template NdArray<float> Reference::get(const std::string&) const;
template NdArray<double> Reference::get(const std::string&) const;
template NdArray<Index> Reference::get(const std::string&) const;
template NdArray<bool> Reference::get(const std::string&) const;
template NdArray<std::uint8_t> Reference::get(const std::string&) const;

bool Reference::contains(const std::string& name) const { return file_->contains(name); }

}  // namespace test
