// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// Command-line options: `--name value` or `--name=value`, declared once with their help.
namespace cli {

/// A wrong command line. The program prints it in one line and ends with status 2.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Options {
 public:
  Options(std::string usage, std::string about)
      : usage_(std::move(usage)), about_(std::move(about)) {}

  /// Starts a group of options in the help.
  void section(std::string title) { entries_.push_back({.help = std::move(title)}); }

  /// A whole number in [low, high]; the present value of `target` is the default.
  template <class I>
  requires std::is_integral_v<I>
  void add(const char* name, I& target, const char* unit, const char* help, long long low,
           long long high = std::numeric_limits<int>::max()) {
    const auto shown = [&target] { return std::to_string(target); };
    put(name, unit, help, shown, [=, &target](std::string_view text) {
      long long value = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (error != std::errc() || end != text.data() + text.size()) {
        throw UsageError(std::string("--") + name + " needs a whole number: " + quote(text));
      }
      if (value < low || value > high) {
        throw UsageError(std::string("--") + name + " must be from " + std::to_string(low) +
                         " to " + std::to_string(high) + ": " + std::string(text));
      }
      target = static_cast<I>(value);
    });
    entries_.back().is_number = true;
  }

  /// A number in [low, high].
  void add(const char* name, double& target, const char* unit, const char* help, double low,
           double high) {
    const auto shown = [&target] {
      char text[32];  // the shortest that reads back as the same number
      return std::string(text, std::to_chars(text, text + sizeof text, target).ptr);
    };
    put(name, unit, help, shown, [=, &target](std::string_view text) {
      double value = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
        throw UsageError(std::string("--") + name + " needs a number: " + quote(text));
      }
      if (value < low || value > high) {
        throw UsageError(std::string("--") + name + " must be from " + number(low) + " to " +
                         number(high) + ": " + std::string(text));
      }
      target = value;
    });
    entries_.back().is_number = true;
  }

  void add(const char* name, std::string& target, const char* unit, const char* help) {
    put(
        name, unit, help, [&target] { return target; },
        [&target](std::string_view text) { target = text; });
  }

  /// One of several words.
  void add(const char* name, std::string& target, std::vector<std::string> words,
           const char* help) {
    std::string unit;
    for (const std::string& word : words) unit += (unit.empty() ? "" : "|") + word;
    const auto shown = [&target] { return target; };
    put(name, unit, help, shown, [=, &target](std::string_view text) {
      if (std::find(words.begin(), words.end(), text) == words.end()) {
        throw UsageError(std::string("--") + name + " must be one of " + unit + ": " + quote(text));
      }
      target = text;
    });
  }

  /// `--name` alone switches it on.
  void flag(const char* name, bool& target, const char* help) {
    put(
        name, "", help, [&target] { return std::string(target ? "true" : "false"); },
        [&target](std::string_view text) { target = text != "false"; });
    entries_.back().is_flag = true;
  }

  /// Where arguments without a leading `--` go; without this call they are errors.
  void positional(std::vector<std::string>& target) { positional_ = &target; }

  /// Sets the targets. Returns false when help was asked for. **Throws** UsageError.
  bool parse(const std::vector<std::string>& arguments) {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      std::string_view argument = arguments[i];
      if (argument == "--help" || argument == "-h") return false;
      if (argument.substr(0, 2) != "--") {
        if (!positional_) throw UsageError("unexpected argument " + quote(argument));
        positional_->emplace_back(argument);
        continue;
      }
      argument.remove_prefix(2);
      const std::size_t equals = argument.find('=');
      const std::string_view name = argument.substr(0, equals);
      Entry* entry = &find(name);
      entry->given = true;
      if (entry->is_flag) {
        if (equals != std::string_view::npos) {
          throw UsageError("--" + entry->name + " takes no value");
        }
        entry->set("true");
      } else if (equals != std::string_view::npos) {
        entry->set(argument.substr(equals + 1));
      } else if (i + 1 < arguments.size()) {
        entry->set(arguments[++i]);
      } else {
        throw UsageError("--" + entry->name + " needs a value (" + entry->unit + ")");
      }
    }
    return true;
  }

  /// An option's present value as text that `set` takes back.
  struct Value {
    std::string name;
    std::string text;
    bool is_number;
    bool is_flag;
    bool given;  ///< on the command line
  };
  std::vector<Value> values() const {
    std::vector<Value> out;
    for (const Entry& e : entries_) {
      if (!e.name.empty()) out.push_back({e.name, e.get(), e.is_number, e.is_flag, e.given});
    }
    return out;
  }
  bool given(std::string_view name) const {
    return std::any_of(entries_.begin(), entries_.end(),
                       [&](const Entry& e) { return e.given && e.name == name; });
  }
  /// Sets an option from outside the command line. **Throws** UsageError as `parse` does.
  void set(std::string_view name, std::string_view text) { find(name).set(text); }

  std::string help() const {
    std::string out = "usage: " + usage_ + "\n\n" + about_ + "\n";
    std::size_t width = 0;
    for (const Entry& e : entries_) width = std::max(width, left(e).size());
    for (const Entry& e : entries_) {
      if (e.name.empty()) {
        out += "\n" + e.help + "\n";
        continue;
      }
      std::string line = left(e);
      line.resize(width + 2, ' ');
      out += line + e.help;
      if (!e.is_flag && !e.shown_default.empty()) out += " [" + e.shown_default + "]";
      out += "\n";
    }
    return out;
  }

 private:
  struct Entry {
    std::string name = {};
    std::string unit = {};
    std::string help = {};
    std::string shown_default = {};
    std::function<std::string()> get = {};
    std::function<void(std::string_view)> set = {};
    bool is_flag = false;
    bool is_number = false;
    bool given = false;
  };

  void put(const char* name, std::string unit, const char* help, std::function<std::string()> get,
           std::function<void(std::string_view)> set) {
    entries_.push_back({.name = name,
                        .unit = std::move(unit),
                        .help = help,
                        .shown_default = get(),
                        .get = std::move(get),
                        .set = std::move(set)});
  }

  Entry& find(std::string_view name) {
    const auto entry = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) {
      return !e.name.empty() && e.name == name;
    });
    if (entry == entries_.end()) {
      throw UsageError("there is no option --" + std::string(name) + suggestion(name));
    }
    return *entry;
  }

  static std::string left(const Entry& e) {
    return "  --" + e.name + (e.unit.empty() ? "" : " " + e.unit);
  }
  static std::string quote(std::string_view text) {
    return std::string("\"").append(text).append("\"");  // GCC 12 warns falsely about `+` here
  }
  static std::string number(double x) {
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%g", x);
    return buffer;
  }

  /// Edits between two words: insertions, deletions and replacements of a letter.
  static std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i;
      for (std::size_t j = 1; j <= b.size(); ++j) {
        const std::size_t replace = diagonal + (a[i - 1] != b[j - 1]);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, replace});
      }
    }
    return row[b.size()];
  }

  std::string suggestion(std::string_view name) const {
    const Entry* best = nullptr;
    std::size_t least = 3;
    for (const Entry& e : entries_) {
      if (e.name.empty()) continue;
      const std::size_t d = distance(name, e.name);
      if (d < least) {
        least = d;
        best = &e;
      }
    }
    return best ? "; did you mean --" + best->name + "?" : "; --help lists them";
  }

  std::string usage_;
  std::string about_;
  std::vector<Entry> entries_;
  std::vector<std::string>* positional_ = nullptr;
};

}  // namespace cli
