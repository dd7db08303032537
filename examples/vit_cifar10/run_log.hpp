// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include <eigengrad/io/file.hpp>
#include <eigengrad/io/json.hpp>
#include <eigengrad/kernels/simd.hpp>
#include <eigengrad/version.hpp>

/// The record of a run: run.json and metrics.csv, rewritten whole after each epoch.
namespace vit {

struct EpochRecord {
  int epoch = 0;
  double train_loss = 0, train_accuracy = 0;
  double validation_loss = 0, validation_accuracy = 0;
  bool has_validation = false;
  double learning_rate = 0;
  double images_per_s = 0;
  double seconds = 0;  ///< since the start, evaluation included
};

class RunLog {
 public:
  using Json = eigengrad::io::Json;

  RunLog(std::string folder, Json head) : folder_(std::move(folder)), head_(std::move(head)) {}

  void add(const EpochRecord& record) {
    epochs_.push_back(record);
    write();
  }

  /// What stands for the whole run: images_per_s, seconds, test_accuracy.
  void finish(double seconds, double images_per_s, double test_loss, double test_accuracy) {
    head_["seconds"] = seconds;
    head_["images_per_s"] = images_per_s;
    head_["test_loss"] = test_loss;
    head_["test_accuracy"] = test_accuracy;
    write();
  }

  static Json versions() {
    Json v = Json::object();
    v["eigengrad"] = EIGENGRAD_VERSION;
    v["eigen"] = std::to_string(EIGEN_WORLD_VERSION) + "." + std::to_string(EIGEN_MAJOR_VERSION) +
                 "." + std::to_string(EIGEN_MINOR_VERSION);
#if defined(__clang__)
    v["compiler"] = "clang " __clang_version__;
#else
    v["compiler"] = "gcc " __VERSION__;
#endif
#ifdef _OPENMP
    v["openmp"] = _OPENMP;
#endif
    v["isa"] = eigengrad::simd::isa_name(eigengrad::simd::active_isa());
    return v;
  }

 private:
  void write() const {
    Json run = head_;
    Json list = Json::array();
    std::string csv =
        "epoch,train_loss,train_accuracy,validation_loss,validation_accuracy,learning_rate,"
        "images_per_s,seconds\n";
    for (const EpochRecord& e : epochs_) {
      Json j = Json::object();
      j["epoch"] = e.epoch;
      j["train_loss"] = e.train_loss;
      j["train_accuracy"] = e.train_accuracy;
      if (e.has_validation) {
        j["validation_loss"] = e.validation_loss;
        j["validation_accuracy"] = e.validation_accuracy;
      }
      j["learning_rate"] = e.learning_rate;
      j["images_per_s"] = e.images_per_s;
      j["seconds"] = e.seconds;
      list.push_back(j);
      char line[256];
      std::snprintf(line, sizeof line, "%d,%.5f,%.3f,", e.epoch, e.train_loss, e.train_accuracy);
      csv += line;
      if (e.has_validation) {
        std::snprintf(line, sizeof line, "%.5f,%.3f,", e.validation_loss, e.validation_accuracy);
        csv += line;
      } else {
        csv += ",,";
      }
      std::snprintf(line, sizeof line, "%.6g,%.1f,%.1f\n", e.learning_rate, e.images_per_s,
                    e.seconds);
      csv += line;
    }
    run["epochs"] = list;
    eigengrad::io::write_file(folder_ + "/run.json", run.dump(2) + "\n");
    eigengrad::io::write_file(folder_ + "/metrics.csv", csv);
  }

  std::string folder_;
  Json head_;
  std::vector<EpochRecord> epochs_;
};

}  // namespace vit
