// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdio>
#include <utility>

#include <eigengrad/data/image_folder.hpp>
#include <examples/vit_cifar10/data.hpp>

namespace vit {
namespace {

constexpr Index kCifarSize = 32;
constexpr Index kFolderSize = 64;

std::string count_of(Index n, const char* what) { return std::to_string(n) + " " + what; }

/// The first few names in a folder, for a message.
std::string names_in(const std::string& folder) {
  std::string out;
  const auto entries = eg::data::list_folder(folder);
  for (std::size_t i = 0; i < std::min<std::size_t>(entries.size(), 3); ++i) {
    out += (i ? ", " : "") + entries[i].filename().string();
  }
  if (entries.size() > 3) out += " and " + std::to_string(entries.size() - 3) + " more";
  return out.empty() ? "nothing" : out;
}

bool holds_classes(const std::string& folder) {
  const auto entries = eg::data::list_folder(folder);
  return std::any_of(entries.begin(), entries.end(), [](const auto& path) {
    return eg::io::is_folder(path.string()) && !eg::data::find_images(path.string()).empty();
  });
}

/// What kind of data a folder holds. **Throws** UsageError when that is not clear.
std::string detect(const std::string& folder) {
  const std::string name = "--data " + folder;
  const auto has_file = [&](const char* file) { return eg::io::is_file(folder + "/" + file); };
  const auto has_folder = [&](const char* at) { return eg::io::is_folder(folder + "/" + at); };
  if (!eg::io::is_folder(folder)) {
    throw cli::UsageError(name + ": there is no folder " + folder +
                          "; examples/vit_cifar10/get_data.sh DIR fetches CIFAR-10, and "
                          "`vit_cifar10 generate --out DIR` draws images instead");
  }
  const bool cifar10 = has_folder("cifar-10-batches-bin") || has_file("data_batch_1.bin") ||
                       has_file("test_batch.bin");
  const bool cifar100 =
      has_folder("cifar-100-binary") || has_file("train.bin") || has_file("test.bin");
  if (cifar10 && cifar100) {
    throw cli::UsageError(name +
                          " holds CIFAR-10 and CIFAR-100; choose with --dataset cifar10 or "
                          "--dataset cifar100");
  }
  if (cifar10) return "cifar10";
  if (cifar100) return "cifar100";
  for (const char* python : {"cifar-10-batches-py", "cifar-100-python"}) {
    if (!has_folder(python)) continue;
    throw cli::UsageError(name + " holds " + python +
                          ", CIFAR for Python; the binary version is "
                          "needed: examples/vit_cifar10/get_data.sh fetches it");
  }
  for (const char* archive : {"cifar-10-binary.tar.gz", "cifar-100-binary.tar.gz"}) {
    if (!has_file(archive)) continue;
    throw cli::UsageError(name + " holds the archive " + archive + "; unpack it: tar -xzf " +
                          folder + "/" + archive + " -C " + folder);
  }
  if (holds_classes(folder)) return "folder";
  throw cli::UsageError(
      name + " holds no CIFAR-10, no CIFAR-100 and no folders of images, but " + names_in(folder) +
      "; a data set of your own has a folder for each class: " + folder + "/CLASS/NAME.png");
}

void check(const DataSettings& s, bool for_model) {
  if (s.folder.empty()) {
    throw cli::UsageError(
        "--data DIR is required: the folder that holds cifar-10-batches-bin, cifar-100-binary or "
        "a folder of images for each class");
  }
  if (s.dataset != "cifar100" && s.labels == "coarse" && !for_model) {
    throw cli::UsageError("--labels coarse is for CIFAR-100; --data " + s.folder + " is " +
                          (s.dataset == "folder" ? "a folder of images" : "CIFAR-10"));
  }
}

/// The files in an order that mixes the classes, as CIFAR's do, and is always the same; only the
/// first `limit` of them unless that is 0.
eg::data::ImageFiles mix(const eg::data::ImageFiles& files, Index limit) {
  eg::data::ImageFiles out;
  out.classes = files.classes;
  for (const Index i : eg::Generator(0).permutation(files.size())) {
    if (limit > 0 && out.size() == limit) break;
    out.paths.push_back(files.paths[static_cast<std::size_t>(i)]);
    out.labels.push_back(files.labels[static_cast<std::size_t>(i)]);
  }
  return out;
}

void load_cifar(ImageData& out, DataSettings& s, Parts parts) {
  const auto load = [&](eg::data::CifarPart part) {
    return s.dataset == "cifar10"
               ? eg::data::load_cifar10(s.folder, part)
               : eg::data::load_cifar100(s.folder, part,
                                         s.labels == "fine" ? eg::data::CifarLabels::kFine
                                                            : eg::data::CifarLabels::kCoarse);
  };
  s.image_size = kCifarSize;
  out.about = s.dataset == "cifar10" ? "CIFAR-10" : "CIFAR-100, " + s.labels + " labels";
  if (parts.train) {
    out.train = load(eg::data::CifarPart::kTrain);
    if (s.limit > 0 && s.limit < out.train.size()) {
      out.train = eg::data::subset(out.train, eg::NdArray<Index>::arange(s.limit));
    }
  }
  if (parts.test) out.test = load(eg::data::CifarPart::kTest);
}

void load_folder(ImageData& out, DataSettings& s, Parts parts,
                 const std::vector<std::string>& classes) {
  if (s.image_size == 0) s.image_size = kFolderSize;
  const eg::data::ImageParts folders = eg::data::find_image_parts(s.folder);
  eg::data::ImageFiles train = eg::data::list_images(folders.train, classes);
  eg::data::ImageFiles test;
  const std::string size = std::to_string(s.image_size);
  out.about = count_of(static_cast<Index>(train.classes.size()), "classes") + " of pictures, as " +
              size + "x" + size;
  if (folders.test.empty() && s.test_share > 0) {
    eg::data::HeldOut held = eg::data::hold_out(train, s.test_share);
    train = std::move(held.rest);
    test = std::move(held.held_out);
    out.held_out = true;
    out.about += " (no test folder: " + count_of(test.size(), "of them are held out to test)");
  } else if (!folders.test.empty()) {
    test = eg::data::list_images(folders.test, train.classes);
  }
  train = mix(train, s.limit);
  const auto load = [&](const eg::data::ImageFiles& files) {
    eg::data::LoadedImages loaded = eg::data::load_images(
        files, {.image_size = s.image_size, .skip_unreadable = s.skip_unreadable});
    out.skipped.insert(out.skipped.end(), loaded.skipped.begin(), loaded.skipped.end());
    return loaded.dataset;
  };
  if (parts.train) {
    out.train = load(train);
    if (!folders.validation.empty()) {
      out.validation = load(eg::data::list_images(folders.validation, train.classes));
    }
  }
  if (parts.test && test.size() > 0) out.test = load(test);
}

}  // namespace

ImageData load_data(DataSettings& s, Parts parts, const std::vector<std::string>& classes) {
  if (s.dataset == "auto" && !s.folder.empty()) s.dataset = detect(s.folder);
  check(s, !classes.empty());
  ImageData out;
  if (s.dataset == "folder") {
    load_folder(out, s, parts, classes);
  } else {
    load_cifar(out, s, parts);
  }
  const eg::data::ImageDataset& any = parts.train ? out.train : out.test;
  if (!classes.empty() && any.classes() != classes) {
    throw cli::UsageError("--data " + s.folder + " has " +
                          count_of(static_cast<Index>(any.classes().size()), "classes, ") +
                          any.classes().front() + " to " + any.classes().back() +
                          "; the checkpoint knows others, " + classes.front() + " to " +
                          classes.back());
  }
  if (parts.train && out.validation.size() == 0) {
    const Index n = out.train.size();
    if (s.validation < 0) s.validation = std::min<Index>(n / 10, 5000);
    if (s.validation >= n) {
      throw cli::UsageError("--validation " + std::to_string(s.validation) +
                            " leaves none of the " + count_of(n, "training images"));
    }
    eg::data::TrainValidation divided = eg::data::split(out.train, s.validation, s.seed);
    out.train = std::move(divided.train);
    out.validation = std::move(divided.validation);
  }
  if (parts.train) {
    out.about += "; " + count_of(out.train.size(), "to train, ") +
                 count_of(out.validation.size(), "for validation");
  }
  if (parts.test) {
    out.about += (parts.train ? ", " : "; ") + count_of(out.test.size(), "to test");
  }
  if (!out.skipped.empty()) {
    out.about += "; " + count_of(static_cast<Index>(out.skipped.size()), "left out, the first: ") +
                 out.skipped.front();
  }
  return out;
}

}  // namespace vit
