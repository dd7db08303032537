// SPDX-License-Identifier: MIT
#include <stdexcept>
#include <thread>

#include <eigengrad/core/grad_mode.hpp>
#include <tests/support/test.hpp>

TEST_CASE("grad_mode: on unless a guard lives") {
  CHECK(eg::grad_enabled());
  {
    const eg::NoGrad guard;
    CHECK_FALSE(eg::grad_enabled());
  }
  CHECK(eg::grad_enabled());
}

TEST_CASE("grad_mode: guards nest and put back what they found") {
  const eg::NoGrad outer;
  {
    const eg::GradMode on(true);
    CHECK(eg::grad_enabled());
    {
      const eg::NoGrad inner;
      CHECK_FALSE(eg::grad_enabled());
    }
    CHECK(eg::grad_enabled());
  }
  CHECK_FALSE(eg::grad_enabled());
}

TEST_CASE("grad_mode: an exception ends the guard") {
  try {
    const eg::NoGrad guard;
    throw std::runtime_error("x");
  } catch (const std::runtime_error&) {
  }
  CHECK(eg::grad_enabled());
}

TEST_CASE("grad_mode: each thread has its own") {
  const eg::NoGrad guard;
  bool elsewhere = false;
  std::thread([&] { elsewhere = eg::grad_enabled(); }).join();
  CHECK(elsewhere);
}
