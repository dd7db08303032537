// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <eigengrad/eigengrad.hpp>
#include <examples/common/options.hpp>

/// Texts as tokens.
namespace translate {

namespace eg = eigengrad;
using eg::Index;

/// What a text is cut into.
enum class Pieces {
  kCharacters,
  kWords,  ///< between spaces and hyphens
};

inline std::span<const char* const> enum_names(Pieces) {
  static constexpr const char* kNames[] = {"characters", "words"};
  return kNames;
}

inline bool begins_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
}

/// The pieces of a text in UTF-8.
inline std::vector<std::string> split(Pieces kind, std::string_view text) {
  std::vector<std::string> out;
  bool begin = true;
  for (const char byte : text) {
    const bool separates = kind == Pieces::kWords && (byte == ' ' || byte == '-');
    if (!separates) {
      if (begin || (kind == Pieces::kCharacters && begins_character(byte))) out.emplace_back();
      out.back() += byte;
    }
    begin = separates;
  }
  return out;
}

/// The pieces that a model knows, numbered, after three tokens that are no text.
class Vocabulary {
 public:
  static constexpr Index kPadding = 0;
  static constexpr Index kStart = 1;
  static constexpr Index kEnd = 2;

  Vocabulary() = default;
  /// It knows all pieces of these texts.
  Vocabulary(Pieces kind, const std::vector<std::string>& texts) : kind_(kind) {
    std::set<std::string> known;
    for (const std::string& text : texts) {
      for (std::string& piece : split(kind, text)) known.insert(std::move(piece));
    }
    pieces_.assign(known.begin(), known.end());
  }

  /// Number of tokens.
  Index size() const { return kEnd + 1 + static_cast<Index>(pieces_.size()); }

  /// **Throws** UsageError for a piece that is not known.
  std::vector<Index> encode(std::string_view text) const {
    std::vector<Index> out;
    for (const std::string& piece : split(kind_, text)) {
      const auto at = std::lower_bound(pieces_.begin(), pieces_.end(), piece);
      if (at == pieces_.end() || *at != piece) {
        const char* name = kind_ == Pieces::kWords ? "word " : "character ";
        throw cli::UsageError("the model does not know \"" + piece + "\", " + name +
                              std::to_string(out.size() + 1) + " of the text; it knows " + list());
      }
      out.push_back(kEnd + 1 + (at - pieces_.begin()));
    }
    return out;
  }

  /// The text of tokens, without those that are no text.
  std::string decode(const std::vector<Index>& tokens) const {
    std::string out;
    for (const Index token : tokens) {
      if (token <= kEnd) continue;
      if (kind_ == Pieces::kWords && !out.empty()) out += ' ';
      out += pieces_.at(static_cast<std::size_t>(token - kEnd - 1));
    }
    return out;
  }

  template <class Visit>
  friend void visit_fields(Vocabulary& v, Visit&& visit) {
    visit("kind", v.kind_);
    visit("pieces", v.pieces_);
  }

 private:
  std::string list() const {
    std::string out;
    for (const std::string& piece : pieces_) out += (out.empty() ? "" : " ") + piece;
    return out;
  }

  Pieces kind_ = Pieces::kCharacters;
  std::vector<std::string> pieces_;  ///< sorted
};

/// What the two languages of a task are written in.
struct Vocabularies {
  Vocabulary source;
  Vocabulary target;
};

template <class Visit>
void visit_fields(Vocabularies& v, Visit&& visit) {
  visit("source", v.source);
  visit("target", v.target);
}

}  // namespace translate
