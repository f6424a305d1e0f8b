// Counts the next tokens after a range of suffixes, by reading the suffix array and the text.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <vector>

#include "base/concepts.hpp"
#include "base/types.hpp"
#include "index/directory.hpp"
#include "suffix/text.hpp"

namespace infgram {

// A token (or kEndOfDocument) and how often it follows.
struct NextToken {
  NextTokenId id;
  std::uint64_t count;
  bool operator==(const NextToken&) const = default;
};

// Sorted suffixes to read: a Shard, or the sections of a shard that is being built.
template <class T, class Token>
concept SuffixSource = requires(const T& suffixes, Rank rank, std::uint64_t depth, TokenCode code) {
  { suffixes.template typed_text<Token>() } -> std::same_as<Text<Token>>;
  { suffixes.directory() } -> std::same_as<const Directory&>;
  { suffixes.address(rank) } -> std::convertible_to<const void*>;
  { suffixes.position(rank, depth) } -> std::same_as<Position>;
  { suffixes.vocab_size() } -> std::same_as<std::uint64_t>;
  { suffixes.throw_bad_next_token(rank, depth, code) };
};

// Counts what follows suffixes that share their first `depth` tokens. Next tokens ascend with the ranks, so if two
// ranks have the same next token, all ranks between them have it, too. In each round, every interval whose ends differ
// is split, and all new points are read together.
// Cost: O(d log(c / d)) reads for d distinct next tokens among c suffixes, up to kMaxReadsInFlight at a time; memory
// for d next tokens. Throws IndexDamagedError for next tokens that do not ascend or are not in the vocabulary.
template <StoredToken Token, SuffixSource<Token> Suffixes>
class NextTokenReader {
 public:
  NextTokenReader(const Suffixes& suffixes, std::uint64_t depth)
      : suffixes_(suffixes),
        text_(suffixes.template typed_text<Token>()),
        depth_(depth),
        is_in_keys_(depth > 0 && depth <= Text<Token>::kKeyTokens) {}

  // Appends the next tokens of a range, ascending by lane. REQUIRES a range that is not empty.
  void read(SuffixRange range, std::vector<NextToken>& next_tokens) {
    if (range.size() <= kMaxReadsInFlight) {
      for (Rank rank = range.lo; rank < range.hi; ++rank) points_.push_back({rank, 0});
      read_lanes(points_);
    } else {
      points_ = {{range.lo, 0}, {range.hi - 1, 0}};
      read_lanes(points_);
      while (split_intervals()) {
      }
    }
    append_runs(range.hi, next_tokens);
  }

 private:
  static constexpr std::size_t kMaxReadsInFlight = 64;
  static constexpr std::uint64_t kMostPieces = 16;

  struct Point {
    Rank rank;
    StoredId<Token> lane;  // of its next token
  };

  static bool is_open(const Point& a, const Point& b) { return a.lane != b.lane && b.rank - a.rank > 1; }

  // Throws if the lanes of consecutive points descend. Otherwise there are no more runs than lanes.
  void check_order(const Point& a, const Point& b) const {
    if (a.lane > b.lane) suffixes_.throw_bad_next_token(b.rank, depth_, code_of_lane<Token>(b.lane));
  }

  // Runs one round. Returns false if there was no interval to split.
  bool split_intervals() {
    std::uint64_t n_open = 0;
    for (std::size_t i = 1; i < points_.size(); ++i) {
      check_order(points_[i - 1], points_[i]);
      n_open += is_open(points_[i - 1], points_[i]) ? 1 : 0;
    }
    if (n_open == 0) return false;
    const std::uint64_t most = std::clamp<std::uint64_t>(kMaxReadsInFlight / n_open, 2, kMostPieces);
    splits_.clear();
    for (std::size_t i = 1; i < points_.size(); ++i) {
      if (!is_open(points_[i - 1], points_[i])) continue;
      const Rank lo = points_[i - 1].rank;
      const std::uint64_t gap = points_[i].rank - lo;
      const std::uint64_t n_pieces = std::min(most, gap);
      // Wide intervals are split at ranks whose keys are in the directory.
      const std::uint64_t in_keys = suffixes_.directory().step();
      const std::uint64_t step = is_in_keys_ && gap >= 2 * n_pieces * in_keys ? in_keys : 1;
      for (std::uint64_t piece = 1; piece < n_pieces; ++piece) {
        const Rank rank = lo + gap * piece / n_pieces;
        splits_.push_back({rank - rank % step, 0});
      }
    }
    read_lanes(splits_);
    merge_splits();
    return true;
  }

  // Inserts the new points, and drops points between two others with the same next token.
  void merge_splits() {
    merged_.clear();
    const auto add = [this](const Point& point) {
      const std::size_t n = merged_.size();
      if (n >= 2 && merged_[n - 1].lane == point.lane && merged_[n - 2].lane == point.lane) {
        merged_.back() = point;
      } else {
        merged_.push_back(point);
      }
    };
    auto split = splits_.begin();
    for (const Point& point : points_) {
      for (; split != splits_.end() && split->rank < point.rank; ++split) add(*split);
      add(point);
    }
    points_.swap(merged_);
  }

  void read_lanes(std::vector<Point>& points) const {
    for (std::size_t begin = 0; begin < points.size(); begin += kMaxReadsInFlight) {
      read_lanes(points.data() + begin, std::min(kMaxReadsInFlight, points.size() - begin));
    }
  }

  void read_lanes(Point* points, std::size_t n) const {
    std::array<std::uint64_t, kMaxReadsInFlight> positions;
    for (std::size_t i = 0; i < n; ++i) {
      if (!is_in_directory(points[i].rank)) __builtin_prefetch(suffixes_.address(points[i].rank));
    }
    for (std::size_t i = 0; i < n; ++i) {
      if (is_in_directory(points[i].rank)) continue;
      positions[i] = suffixes_.position(points[i].rank, depth_);
      text_.prefetch(positions[i]);
    }
    for (std::size_t i = 0; i < n; ++i) {
      points[i].lane = is_in_directory(points[i].rank) ? lane_in(suffixes_.directory().key(points[i].rank))
                                                       : lane_of(text_[positions[i]]);
    }
  }

  [[nodiscard]] bool is_in_directory(Rank rank) const { return is_in_keys_ && suffixes_.directory().holds(rank); }

  // The lane of the token after the first `depth_` tokens.
  [[nodiscard]] StoredId<Token> lane_in(std::uint64_t key) const {
    return Text<Token>::lane(key, static_cast<unsigned>(depth_ - 1));
  }

  void append_runs(std::uint64_t end, std::vector<NextToken>& next_tokens) const {
    for (std::size_t i = 0; i < points_.size(); ++i) {
      if (i > 0) check_order(points_[i - 1], points_[i]);
      const std::uint64_t count = (i + 1 < points_.size() ? points_[i + 1].rank : end) - points_[i].rank;
      if (i > 0 && points_[i - 1].lane == points_[i].lane) {
        next_tokens.back().count += count;
        continue;
      }
      const TokenCode code = code_of_lane<Token>(points_[i].lane);
      if (code > suffixes_.vocab_size()) suffixes_.throw_bad_next_token(points_[i].rank, depth_, code);
      next_tokens.push_back({next_token_of(code), count});
    }
  }

  const Suffixes& suffixes_;
  Text<Token> text_;
  std::uint64_t depth_;
  bool is_in_keys_;            // whether the sampled keys include the next token
  std::vector<Point> points_;  // ascending by rank
  std::vector<Point> splits_;
  std::vector<Point> merged_;
};

}  // namespace infgram
