// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <eigengrad/eigengrad.hpp>

/// What run.json says of a run.
namespace translate {

struct Measurement {
  eigengrad::Index step = 0;
  double train_loss = 0;   ///< mean per target token since the measurement before
  double unseen_loss = 0;  ///< of the unseen pairs
  double right = 0;        ///< share of them that greedy search gets right as a whole
  double seconds = 0;      ///< since the run began
};

template <class Visit>
void visit_fields(Measurement& m, Visit&& visit) {
  visit("step", m.step);
  visit("train_loss", m.train_loss);
  visit("unseen_loss", m.unseen_loss);
  visit("right", m.right);
  visit("seconds", m.seconds);
}

struct RunRecord {
  eigengrad::io::Json configuration;
  eigengrad::Index parameters = 0;
  std::vector<Measurement> measurements;
  double greedy_right = 0;  ///< after the last step, by greedy search
  double beam_right = 0;    ///< and by beam search
  double ms_per_step = 0;
  double seconds = 0;
};

template <class Visit>
void visit_fields(RunRecord& r, Visit&& visit) {
  visit("configuration", r.configuration);
  visit("parameters", r.parameters);
  visit("measurements", r.measurements);
  visit("greedy_right", r.greedy_right);
  visit("beam_right", r.beam_right);
  visit("ms_per_step", r.ms_per_step);
  visit("seconds", r.seconds);
}

}  // namespace translate
