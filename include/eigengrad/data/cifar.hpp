// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/data/dataset.hpp>
#include <eigengrad/io/file.hpp>

/// CIFAR-10 and CIFAR-100 in the official binary form: records of one (two) label bytes and the
/// 3072 pixels of a (3, 32, 32) image.
///
/// **Source** https://www.cs.toronto.edu/~kriz/cifar.html
namespace eigengrad::data {

enum class CifarPart { kTrain, kTest };
/// The 100 classes of CIFAR-100, or the 20 that they fall into.
enum class CifarLabels { kFine, kCoarse };

namespace detail {

using eigengrad::detail::concat;

inline std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (!line.empty()) out.emplace_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

inline constexpr std::string_view kCifar10Classes =
    "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n";

inline constexpr std::string_view kCifar100Classes =
    "apple\naquarium_fish\nbaby\nbear\nbeaver\nbed\nbee\nbeetle\nbicycle\nbottle\nbowl\nboy\n"
    "bridge\nbus\nbutterfly\ncamel\ncan\ncastle\ncaterpillar\ncattle\nchair\nchimpanzee\nclock\n"
    "cloud\ncockroach\ncouch\ncrab\ncrocodile\ncup\ndinosaur\ndolphin\nelephant\nflatfish\n"
    "forest\nfox\ngirl\nhamster\nhouse\nkangaroo\nkeyboard\nlamp\nlawn_mower\nleopard\nlion\n"
    "lizard\nlobster\nman\nmaple_tree\nmotorcycle\nmountain\nmouse\nmushroom\noak_tree\norange\n"
    "orchid\notter\npalm_tree\npear\npickup_truck\npine_tree\nplain\nplate\npoppy\nporcupine\n"
    "possum\nrabbit\nraccoon\nray\nroad\nrocket\nrose\nsea\nseal\nshark\nshrew\nskunk\n"
    "skyscraper\nsnail\nsnake\nspider\nsquirrel\nstreetcar\nsunflower\nsweet_pepper\ntable\n"
    "tank\ntelephone\ntelevision\ntiger\ntractor\ntrain\ntrout\ntulip\nturtle\nwardrobe\nwhale\n"
    "willow_tree\nwolf\nwoman\nworm\n";

inline constexpr std::string_view kCifar100Coarse =
    "aquatic_mammals\nfish\nflowers\nfood_containers\nfruit_and_vegetables\n"
    "household_electrical_devices\nhousehold_furniture\ninsects\nlarge_carnivores\n"
    "large_man-made_outdoor_things\nlarge_natural_outdoor_scenes\n"
    "large_omnivores_and_herbivores\nmedium_mammals\nnon-insect_invertebrates\npeople\nreptiles\n"
    "small_mammals\ntrees\nvehicles_1\nvehicles_2\n";

/// What tells the variants of the format apart.
struct CifarFormat {
  const char* name;          // for messages
  const char* folder;        // as the archive unpacks
  const char* archive;       // where to download it
  const char* names_file;    // class names, a line each
  std::string_view classes;  // when that file is missing
  Index label_bytes;
  Index label_at;  // which of them is the label
};

inline constexpr Index kCifarPixels = 3 * 32 * 32;

inline constexpr CifarFormat kCifar10 = {"cifar10",
                                         "cifar-10-batches-bin",
                                         "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                                         "batches.meta.txt",
                                         kCifar10Classes,
                                         1,
                                         0};

inline constexpr CifarFormat cifar100_format(CifarLabels labels) {
  const bool fine = labels == CifarLabels::kFine;
  return {"cifar100",
          "cifar-100-binary",
          "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
          fine ? "fine_label_names.txt" : "coarse_label_names.txt",
          fine ? kCifar100Classes : kCifar100Coarse,
          2,
          fine ? 1 : 0};
}

/// The folder that holds `file`: the one given, or the archive's folder in it.
inline std::string find_cifar(const CifarFormat& format, const std::string& folder,
                              const std::string& file) {
  const std::string inner = folder + "/" + format.folder;
  for (const std::string& candidate : {folder, inner}) {
    if (io::is_file(candidate + "/" + file)) return candidate;
  }
  const std::string hint = concat("; download ", format.archive, " and unpack it in ", folder);
  if (!io::is_folder(folder)) {
    throw IoError(concat("[", format.name, "] there is no folder ", folder, hint));
  }
  throw IoError(concat("[", format.name, "] there is no ", file, " in ", folder,
                       io::is_folder(inner) ? " or " + inner : std::string(), hint));
}

inline std::vector<std::string> cifar_classes(const CifarFormat& format,
                                              const std::string& folder) {
  const std::vector<std::string> official = split_lines(format.classes);
  const std::string path = folder + "/" + format.names_file;
  if (!io::is_file(path)) return official;
  std::vector<std::string> names = split_lines(io::read_file(path));
  if (names.size() != official.size()) {
    throw IoError(concat("[", format.name, "] ", path, " names ", names.size(), " classes, ",
                         official.size(), " were expected; delete or fetch it again"));
  }
  return names;
}

/// Number of records. **Throws** IoError unless the file is a whole number of them.
inline Index cifar_records(const CifarFormat& format, const io::InputFile& file) {
  const auto size = static_cast<Index>(file.size());
  const Index record = format.label_bytes + kCifarPixels;
  if (size == 0 || size % record != 0) {
    throw IoError(concat("[", format.name, "] ", file.path(), " has ", size, " bytes, ",
                         size / record, " records of ", record, " and ", size % record,
                         " bytes more; the file is cut off or damaged, fetch it again"));
  }
  return size / record;
}

/// Reads the records of one file into `images` and `labels`.
inline void read_cifar(const CifarFormat& format, const io::InputFile& file, Index records,
                       Index classes, std::uint8_t* images, Index* labels) {
  constexpr Index chunk = 1024;
  const Index record = format.label_bytes + kCifarPixels;
  eigengrad::detail::Scratch<std::uint8_t> buffer(std::min(chunk, records) * record);
  for (Index first = 0; first < records; first += chunk) {
    const Index n = std::min(chunk, records - first);
    file.read(static_cast<std::uint64_t>(first * record), buffer.data(),
              static_cast<std::size_t>(n * record));
    for (Index i = 0; i < n; ++i) {
      const std::uint8_t* at = buffer.data() + i * record;
      const Index label = at[format.label_at];
      if (label >= classes) {
        throw IoError(concat("[", format.name, "] ", file.path(), ", record ", first + i,
                             ": label ", label, " is out of range, 0 to ", classes - 1,
                             " are allowed; the file is damaged, fetch it again"));
      }
      labels[first + i] = label;
      std::copy_n(at + format.label_bytes, kCifarPixels, images + (first + i) * kCifarPixels);
    }
  }
}

inline ImageDataset load_cifar(const CifarFormat& format, const std::string& folder,
                               const std::vector<std::string>& names) {
  const std::string at = find_cifar(format, folder, names.front());
  std::vector<std::string> classes = cifar_classes(format, at);
  std::vector<io::InputFile> files;
  std::vector<Index> records;
  Index total = 0;
  for (const std::string& name : names) {
    find_cifar(format, at, name);
    files.emplace_back(at + "/" + name);
    records.push_back(cifar_records(format, files.back()));
    total += records.back();
  }
  NdArray<std::uint8_t> images({total, 3, 32, 32});
  NdArray<Index> labels(Shape{total});
  Index first = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    read_cifar(format, files[i], records[i], static_cast<Index>(classes.size()),
               images.data() + first * kCifarPixels, labels.data() + first);
    first += records[i];
  }
  return ImageDataset(std::move(images), std::move(labels), std::move(classes));
}

inline void write_cifar10(const std::string& path, const ImageDataset& dataset, Index begin,
                          Index end) {
  io::AtomicFile file(path);
  eigengrad::detail::Scratch<std::uint8_t> record(1 + kCifarPixels);
  for (Index i = begin; i < end; ++i) {
    record[0] = static_cast<std::uint8_t>(dataset.labels().data()[i]);
    std::copy_n(dataset.image(i), kCifarPixels, record.data() + 1);
    file.write(record.data(), static_cast<std::size_t>(1 + kCifarPixels));
  }
  file.commit();
}

}  // namespace detail

/// CIFAR-10 from `data_batch_1..5.bin` or `test_batch.bin`. `folder` is the one with these files,
/// or the one above it.
///
/// Class names come from `batches.meta.txt`, or are the official ones when it is missing.
/// **Throws** IoError, naming the file, when one is missing, cut off or has a wrong label.
inline ImageDataset load_cifar10(const std::string& folder, CifarPart part) {
  if (part == CifarPart::kTest) {
    return detail::load_cifar(detail::kCifar10, folder, {"test_batch.bin"});
  }
  return detail::load_cifar(detail::kCifar10, folder,
                            {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                             "data_batch_4.bin", "data_batch_5.bin"});
}

/// CIFAR-100 from `train.bin` or `test.bin`; otherwise as `load_cifar10`.
inline ImageDataset load_cifar100(const std::string& folder, CifarPart part,
                                  CifarLabels labels = CifarLabels::kFine) {
  return detail::load_cifar(detail::cifar100_format(labels), folder,
                            {part == CifarPart::kTrain ? "train.bin" : "test.bin"});
}

/// Writes any ten classes of (3, 32, 32) images in CIFAR-10's form: FOLDER/cifar-10-batches-bin,
/// which `load_cifar10` and every other reader of CIFAR-10 takes.
///
/// **Throws** ValueError unless both sets have ten classes of such images and enough of them to
/// leave no file empty; IoError when it cannot write.
inline void save_cifar10(const std::string& folder, const ImageDataset& train,
                         const ImageDataset& test) {
  for (const ImageDataset* set : {&train, &test}) {
    const Index least = set == &train ? 5 : 1;
    if (set->classes().size() != 10 || set->channels() != 3 || set->height() != 32 ||
        set->width() != 32 || set->size() < least) {
      throw ValueError(detail::concat("[save_cifar10] needs at least ", least,
                                      " images (3, 32, 32) of 10 classes: images ",
                                      set->images().shape(), ", classes ", set->classes().size()));
    }
  }
  const std::string at = folder + "/" + detail::kCifar10.folder + "/";
  io::make_folder(at);
  for (Index file = 0; file < 5; ++file) {
    detail::write_cifar10(at + "data_batch_" + std::to_string(file + 1) + ".bin", train,
                          train.size() * file / 5, train.size() * (file + 1) / 5);
  }
  detail::write_cifar10(at + "test_batch.bin", test, 0, test.size());
  std::string names;
  for (const std::string& name : train.classes()) names += name + "\n";
  io::write_file(at + detail::kCifar10.names_file, names);
}

}  // namespace eigengrad::data
