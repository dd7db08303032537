// SPDX-License-Identifier: MIT
#include <eigengrad/optim/ema.hpp>
#include <eigengrad/optim/sgd.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

namespace optim = eg::optim;
using test::Index;
using test::NdArray;
using test::Tensor;

namespace {

/// A parameter of length n and a buffer, both moved by `step`.
template <class T>
struct Weights {
  explicit Weights(Index n) : x(NdArray<T>::zeros({n}), true) {}
  Tensor<T> x;
  std::shared_ptr<NdArray<T>> buffer = std::make_shared<NdArray<T>>(NdArray<T>::zeros({2}));
  typename optim::Ema<T>::Buffers buffers() const { return {{"b", buffer}}; }
  void set(T value) {
    x.mutable_value() = NdArray<T>::full(x.shape(), value);
    buffer->fill(-value);  // in place, as batch norm writes
  }
};

}  // namespace

TEMPLATE_TEST_CASE("ema: value", "", float, double) {
  using T = TestType;
  Weights<T> w(3);
  w.set(1);
  optim::Ema<T> ema({w.x}, {.decay = 0.75, .warmup = false}, w.buffers());
  w.set(5);
  ema.update();  // 1 + (5 - 1) / 4 = 2
  w.set(10);
  ema.update();  // 2 + (10 - 2) / 4 = 4
  CHECK_SAME(w.x.value(), NdArray<T>::full({3}, 10));
  {
    const optim::UseEma use(ema);
    CHECK_SAME(w.x.value(), NdArray<T>::full({3}, 4));
    CHECK_SAME(*w.buffer, NdArray<T>::full({2}, -4));
    CHECK(ema.in_use());
    CHECK_ERROR(ema.update(), eg::StateError,
                "[ema] update() while the model has the means; swap back first");
    CHECK_ERROR(ema.state_dict(), eg::StateError,
                "[ema] state_dict() while the model has the means");
  }
  CHECK_SAME(w.x.value(), NdArray<T>::full({3}, 10));
  CHECK_SAME(*w.buffer, NdArray<T>::full({2}, -10));
  CHECK(ema.step_count() == 2);
}

TEST_CASE("ema: the warm-up forgets the first weights") {
  Weights<double> w(1);
  optim::Ema<double> ema({w.x}, {.decay = 0.5});
  CHECK(ema.decay() == Approx(0.1));  // (1 + 0) / (10 + 0)
  w.set(10);
  ema.update();
  const optim::UseEma use(ema);
  CHECK_CLOSE(w.x.value(), NdArray<double>({1}, {9}), 1e-15);
  CHECK(ema.decay() == Approx(2 / 11.));
}

TEST_CASE("ema: the plain mean of the updates") {
  Weights<double> w(2);
  w.set(100);  // not a part of it
  optim::Ema<double> ema({w.x}, {.equal = true}, w.buffers());
  for (const double value : {1., 2., 6.}) {
    w.set(value);
    ema.update();
  }
  const optim::UseEma use(ema);
  CHECK_CLOSE(w.x.value(), NdArray<double>({2}, {3, 3}), 1e-15);
  CHECK_CLOSE(*w.buffer, NdArray<double>({2}, {-3, -3}), 1e-15);
}

TEST_CASE("ema: long arrays have the same bits on any number of threads") {
  std::vector<NdArray<float>> means;
  test::check_threads([&] {
    Tensor<float> x(test::random<float>({100003}), true);
    Tensor<float> y(test::random<float>({7}, 2), true);
    optim::Ema<float> ema({x, y}, {.decay = 0.9});
    for (int step = 0; step < 3; ++step) {
      x.mutable_value() = test::random<float>({100003}, 10 + step);
      ema.update();
    }
    means = {ema.state_dict().at("mean.0"), ema.state_dict().at("mean.1")};
    return means;
  });
  CHECK_SAME(means[1], test::random<float>({7}, 2));
  // The last element, in the tail of a vector, by hand.
  float mean = test::random<float>({100003})(100002);
  const float decays[] = {0.1f, 2 / 11.f, 3 / 12.f};
  for (int step = 0; step < 3; ++step) {
    mean =
        decays[step] * mean + (1 - decays[step]) * test::random<float>({100003}, 10 + step)(100002);
  }
  CHECK(double(means[0].data()[100002]) == Approx(double(mean)).epsilon(1e-6));
}

TEST_CASE("ema: nothing is shared with the model, an optimiser or a snapshot") {
  Tensor<double> x(NdArray<double>::ones({4}), true);
  optim::Ema<double> ema({x}, {.decay = 0.5, .warmup = false});
  x.mutable_value().fill(3);  // in place, as load_state_dict writes
  const auto before = ema.state_dict();
  CHECK_SAME(before.at("mean.0"), NdArray<double>::ones({4}));
  ema.update();
  CHECK_SAME(before.at("mean.0"), NdArray<double>::ones({4}));
  CHECK_SAME(ema.state_dict().at("mean.0"), NdArray<double>::full({4}, 2));
}

TEST_CASE("ema: a resumed one goes on with the same bits") {
  Weights<float> w(5);
  optim::Ema<float> first({w.x}, {.decay = 0.9}, w.buffers());
  for (int i = 0; i < 4; ++i) {
    w.set(static_cast<float>(i));
    first.update();
  }
  Weights<float> v(5);
  optim::Ema<float> second({v.x}, {.decay = 0.9}, v.buffers());
  second.load_state_dict(first.state_dict());
  CHECK(second.step_count() == 4);
  w.set(7);
  v.set(7);
  first.update();
  second.update();
  CHECK_SAME(first.state_dict().at("mean.0"), second.state_dict().at("mean.0"));
  CHECK_SAME(first.state_dict().at("mean.1"), second.state_dict().at("mean.1"));
}

TEST_CASE("ema: error") {
  Tensor<float> x(NdArray<float>::ones({4}), true);
  CHECK_ERROR(optim::Ema<float>({x}, {.decay = 1}), eg::ValueError,
              "[ema] decay must be in [0, 1): 1");
  optim::Ema<float> ema({x});
  auto state = ema.state_dict();
  state["mean.0"] = NdArray<float>::ones({3});
  CHECK_ERROR(ema.load_state_dict(state), eg::ShapeError,
              "[ema] the state's mean.0 must have shape (4), got (3)");
  state.erase("mean.0");
  CHECK_ERROR(ema.load_state_dict(state), eg::ValueError, "[ema] the state lacks mean.0");
  state = ema.state_dict();
  state["mean.1"] = NdArray<float>::ones({3});
  CHECK_ERROR(ema.load_state_dict(state), eg::ValueError,
              "[ema] the state has 2 means for 1 arrays; it must come from the same model");
  state = ema.state_dict();
  state["step"] = NdArray<float>({2}, {0, -1});
  CHECK_ERROR(ema.load_state_dict(state), eg::ValueError,
              "[ema] step must be whole numbers below 2^20: -1");
  CHECK_SAME(ema.state_dict().at("mean.0"), NdArray<float>::ones({4}));
}
