// The rows after a range of suffixes of one shard, read from the array and the text.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "base/types.hpp"
#include "index/directory.hpp"
#include "suffix/text.hpp"

namespace infgram {

// A token (or kEndOfDocument) and how often it follows.
struct NextToken {
  RowId row;
  std::uint64_t count;
  bool operator==(const NextToken&) const = default;
};

// Counts what follows suffixes that share their first `depth` > 0 tokens; the rows ascend over them, so where two ranks
// have one row, all between them do. Round by round every stretch whose ends differ is cut, and all cuts of a round are
// read together. Suffixes is Shard, or has its typed_text(), directory(), address() and position().
// Cost: O(d log(c / d)) reads for d distinct rows among c suffixes, at most kTogether under way; memory for d rows.
template <class Token, class Suffixes>
class RowReader {
 public:
  RowReader(const Suffixes& suffixes, std::uint64_t depth)
      : suffixes_(suffixes),
        text_(suffixes.template typed_text<Token>()),
        depth_(depth),
        is_in_keys_(depth <= Text<Token>::kKeyTokens) {}

  // Appends the rows of a range that is not empty.
  void read(SuffixRange range, std::vector<NextToken>& rows) {
    if (range.count() <= kTogether) {
      for (std::uint64_t rank = range.lo; rank < range.hi; ++rank) points_.push_back({rank, 0});
      read_codes(points_);
    } else {
      points_ = {{range.lo, 0}, {range.hi - 1, 0}};
      read_codes(points_);
      while (cut_stretches()) {
      }
    }
    append_runs(range.hi, rows);
  }

 private:
  static constexpr std::size_t kTogether = 64;  // reads under way
  static constexpr std::uint64_t kMostPieces = 16;

  struct Point {
    std::uint64_t rank;
    std::uint64_t code;  // of its row: 0 for the end of the document, a token's id + 1
  };

  static bool is_open(const Point& a, const Point& b) { return a.code != b.code && b.rank - a.rank > 1; }

  // One round. Returns false when nothing was left to cut.
  bool cut_stretches() {
    std::uint64_t n_open = 0;
    for (std::size_t i = 1; i < points_.size(); ++i) n_open += is_open(points_[i - 1], points_[i]) ? 1 : 0;
    if (n_open == 0) return false;
    const std::uint64_t most = std::clamp<std::uint64_t>(kTogether / n_open, 2, kMostPieces);
    cuts_.clear();
    for (std::size_t i = 1; i < points_.size(); ++i) {
      if (!is_open(points_[i - 1], points_[i])) continue;
      const std::uint64_t lo = points_[i - 1].rank;
      const std::uint64_t gap = points_[i].rank - lo;
      const std::uint64_t n_pieces = std::min(most, gap);
      // Wide stretches are cut at ranks whose keys the directory holds.
      const std::uint64_t step = is_in_keys_ && gap >= 2 * n_pieces * kSampleStep ? kSampleStep : 1;
      for (std::uint64_t piece = 1; piece < n_pieces; ++piece) {
        const std::uint64_t rank = lo + gap * piece / n_pieces;
        cuts_.push_back({rank - rank % step, 0});
      }
    }
    read_codes(cuts_);
    merge_cuts();
    return true;
  }

  // Puts the cuts among the points, and drops points between two of their own row.
  void merge_cuts() {
    merged_.clear();
    const auto add = [this](const Point& point) {
      const std::size_t n = merged_.size();
      if (n >= 2 && merged_[n - 1].code == point.code && merged_[n - 2].code == point.code) {
        merged_.back() = point;
      } else {
        merged_.push_back(point);
      }
    };
    auto cut = cuts_.begin();
    for (const Point& point : points_) {
      for (; cut != cuts_.end() && cut->rank < point.rank; ++cut) add(*cut);
      add(point);
    }
    points_.swap(merged_);
  }

  void read_codes(std::vector<Point>& points) const {
    for (std::size_t begin = 0; begin < points.size(); begin += kTogether) {
      read_codes(points.data() + begin, std::min(kTogether, points.size() - begin));
    }
  }

  void read_codes(Point* points, std::size_t n) const {
    std::array<std::uint64_t, kTogether> positions;
    for (std::size_t i = 0; i < n; ++i) {
      if (!is_in_directory(points[i].rank)) __builtin_prefetch(suffixes_.address(points[i].rank));
    }
    for (std::size_t i = 0; i < n; ++i) {
      if (is_in_directory(points[i].rank)) continue;
      positions[i] = suffixes_.position(points[i].rank, depth_);
      text_.prefetch(positions[i]);
    }
    for (std::size_t i = 0; i < n; ++i) {
      points[i].code = is_in_directory(points[i].rank) ? code_of(suffixes_.directory().key(points[i].rank))
                                                       : static_cast<Token>(text_[positions[i]] + 1);
    }
  }

  [[nodiscard]] bool is_in_directory(std::uint64_t rank) const {
    return is_in_keys_ && suffixes_.directory().holds(rank);
  }

  // The lane of the token after the first `depth_`; the separator, plus one, is 0 there and in the text.
  [[nodiscard]] std::uint64_t code_of(std::uint64_t key) const {
    return static_cast<Token>(key >> (64 - depth_ * Text<Token>::kTokenBits));
  }

  void append_runs(std::uint64_t end, std::vector<NextToken>& rows) const {
    for (std::size_t i = 0; i < points_.size(); ++i) {
      const RowId row = static_cast<RowId>(points_[i].code) - 1;
      const std::uint64_t count = (i + 1 < points_.size() ? points_[i + 1].rank : end) - points_[i].rank;
      if (i > 0 && points_[i - 1].code == points_[i].code) {
        rows.back().count += count;
      } else {
        rows.push_back({row, count});
      }
    }
  }

  const Suffixes& suffixes_;
  Text<Token> text_;
  std::uint64_t depth_;
  bool is_in_keys_;            // the row stands in the sampled keys
  std::vector<Point> points_;  // ascending by rank
  std::vector<Point> cuts_;
  std::vector<Point> merged_;
};

}  // namespace infgram
