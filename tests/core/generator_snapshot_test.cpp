// SPDX-License-Identifier: MIT
#include <eigengrad/core/generator_snapshot.hpp>
#include <tests/support/test.hpp>

using eg::Generator;
using eg::GeneratorSnapshot;

TEST_CASE("generator snapshot: what was drawn is drawn again") {
  Generator a(1), b(2);
  a.next();
  GeneratorSnapshot start(eg::GeneratorList{&a, &b});
  const auto draw = [&] { return std::vector<std::uint64_t>{a.next(), b.next(), b.next()}; };
  const auto first = draw();
  const auto second = draw();
  CHECK(first != second);
  start.restore();
  CHECK(draw() == first);
  CHECK(draw() == second);
  start.take();
  const auto third = draw();
  start.restore();
  CHECK(draw() == third);
  CHECK(third != first);
}

TEST_CASE("generator snapshot: rewinding lasts for a scope") {
  Generator a(1), reference(1);
  const GeneratorSnapshot start(eg::GeneratorList{&a});
  const std::uint64_t first = a.next();
  reference.next();
  {
    const eg::RewindGenerators rewind(start);
    CHECK(a.next() == first);
    a.next();
    a.next();
  }
  CHECK(a.next() == reference.next());
}

TEST_CASE("generator snapshot: of nothing") {
  GeneratorSnapshot none;
  none.take();
  none.restore();
  CHECK(none.generators().empty());
}
