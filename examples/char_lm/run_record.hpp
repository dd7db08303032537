// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include <examples/char_lm/settings.hpp>

/// What a run's files say of it.
namespace char_lm {

struct Measurement {
  Index step = 0;
  double train_loss = 0;
  double validation_loss = 0;
  double seconds = 0;  ///< since the run began
};

template <class Visit>
void visit_fields(Measurement& m, Visit&& visit) {
  visit("step", m.step);
  visit("train_loss", m.train_loss);
  visit("validation_loss", m.validation_loss);
  visit("seconds", m.seconds);
}

/// What a run is, written into its state and into run.json.
struct RunDescription {
  eg::io::Json configuration;
  std::string text;  ///< its fingerprint
  Index characters = 0;
  Index vocabulary = 0;
  Index parameters = 0;
};

template <class Visit>
void visit_fields(RunDescription& r, Visit&& visit) {
  visit("configuration", r.configuration);
  visit("text", r.text);
  visit("characters", r.characters);
  visit("vocabulary", r.vocabulary);
  visit("parameters", r.parameters);
}

/// The place of a run and what it has measured so far. A batch follows from its number and the
/// seed, the learning rate from the step; so with the arrays this is all of a run.
struct RunState {
  Index step = 0;            ///< steps that are done
  double train_seconds = 0;  ///< of the steps alone
  double seconds = 0;        ///< of the whole run
  std::vector<Measurement> measurements;
  bool finished = false;
};

template <class Visit>
void visit_fields(RunState& s, Visit&& visit) {
  visit("step", s.step);
  visit("train_seconds", s.train_seconds);
  visit("seconds", s.seconds);
  visit("measurements", s.measurements);
  visit("finished", s.finished);
}

/// run.json, once the run is finished.
struct RunRecord {
  RunDescription run;
  std::vector<Measurement> measurements;
  double validation_loss = 0;  ///< of the saved model, over the whole validation text
  double ms_per_step = 0;
  double seconds = 0;
};

template <class Visit>
void visit_fields(RunRecord& r, Visit&& visit) {
  visit_fields(r.run, visit);
  visit("measurements", r.measurements);
  visit("validation_loss", r.validation_loss);
  visit("ms_per_step", r.ms_per_step);
  visit("seconds", r.seconds);
}

}  // namespace char_lm
