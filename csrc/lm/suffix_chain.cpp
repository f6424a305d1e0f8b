#include "lm/suffix_chain.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "query/jobs.hpp"

namespace infgram {

SuffixChain::SuffixChain(ContextTree& tree) : tree_(&tree), runs_{{tree.root(), 0}} {}

void SuffixChain::append(TokenId token) {
  if (tree_->is_full()) {
    tree_->forget();
    for (const Run& run : runs_) run.node->children.clear();
  }
  std::vector<Run> runs = {{tree_->root(), 0}};
  std::optional<std::uint64_t> shortest_rare;
  next_places_.clear();
  for (const Run& run : runs_) {
    const std::uint64_t count = run.node->rows.count_of(code_of(token));
    if (count <= tree_->few_places()) {
      if (count > 0) find_places(run, token);
      shortest_rare = run.shortest + 1;
      break;
    }
    const auto context = std::span(tokens_).last(run.node->depth);
    std::shared_ptr<ContextNode> child = tree_->child(*run.node, context, token);
    if (runs.size() > 1 && runs.back().node->rows.count_tally.total == child->rows.count_tally.total) {
      runs.back().node = std::move(child);
    } else {
      runs.push_back({std::move(child), run.shortest + 1});
    }
  }
  if (!shortest_rare) follow_places(token);
  tokens_.push_back(token);  // from here on nothing throws
  runs_ = std::move(runs);
  shortest_rare_ = shortest_rare.value_or(shortest_rare_ + 1);
  std::swap(places_, next_places_);
}

// All suffixes before the places have many: the places where the token follows are those of the next position.
void SuffixChain::follow_places(TokenId token) {
  for (Place place : places_) {
    if (place.after != code_of(token)) continue;
    ++place.end;
    ++place.n_equal;
    tree_->index().shards()[place.shard].text().visit(
        [&]<class Token>(Text<Token> text) { place.after = static_cast<Token>(text[place.end] + 1); });
    next_places_.push_back(place);
  }
}

// The places of the run's longest suffix followed by the token; those known before go on as far to the left as before.
void SuffixChain::find_places(const Run& run, TokenId token) {
  const std::uint64_t depth = run.node->depth;
  const auto context = std::span(tokens_).last(depth);
  const ShardRanges ranges = narrow(tree_->index(), context, run.node->ranges, token);
  for (std::size_t s = 0; s < ranges.size(); ++s) {
    const Shard& shard = tree_->index().shards()[s];
    shard.text().visit([&]<class Token>(Text<Token> text) {
      const std::size_t first = next_places_.size();
      for (std::uint64_t rank = ranges[s].lo; rank < ranges[s].hi; ++rank) {
        next_places_.push_back({s, shard.position(rank, depth + 1), depth + 1, 0, 0});
        text.prefetch(next_places_.back().end);
      }
      for (std::size_t i = first; i < next_places_.size(); ++i) {
        Place& place = next_places_[i];
        place.after = static_cast<Token>(text[place.end] + 1);
        const auto old = std::ranges::find_if(
            places_, [&](const Place& other) { return other.end + 1 == place.end && other.shard == s; });
        if (old != places_.end()) {
          place.n_equal = old->n_equal + 1;
          place.before = old->before;
          continue;
        }
        const auto is_equal = [&](std::uint64_t n) {  // the token before the last n
          return n <= tokens_.size() && n < place.end && text[place.end - n - 1] == tokens_[tokens_.size() - n];
        };
        while (is_equal(place.n_equal)) ++place.n_equal;
        place.before = place.n_equal == place.end ? 0 : static_cast<Token>(text[place.end - place.n_equal - 1] + 1);
      }
    });
  }
}

std::span<const Level> SuffixChain::levels(bool with_lefts) {
  levels_.clear();
  for (const Run& run : runs_) {
    if (with_lefts) tree_->count_lefts(*run.node);
    levels_.push_back({run.shortest, run.node->depth, &run.node->rows, run.node.get()});
  }
  append_rare_levels(with_lefts);
  return levels_;
}

void SuffixChain::append_rare_levels(bool with_lefts) {
  if (places_.empty()) return;
  std::ranges::sort(places_, {}, &Place::after);
  std::vector<std::uint64_t> lengths;
  for (const Place& place : places_) lengths.push_back(place.n_equal);
  std::ranges::sort(lengths);
  lengths.erase(std::unique(lengths.begin(), lengths.end()), lengths.end());
  if (rare_rows_.size() < lengths.size()) rare_rows_.resize(lengths.size());
  std::vector<RowCode> codes_before;
  std::uint64_t shortest = shortest_rare_;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    const std::uint64_t length = lengths[i];
    Rows& rows = rare_rows_[i];
    rows.codes.clear();
    rows.counts.clear();
    rows.lefts.clear();
    rows.count_tally = rows.left_tally = {};
    for (auto place = places_.begin(); place != places_.end();) {
      const RowCode code = place->after;
      std::uint64_t count = 0;
      bool has_start = false;
      codes_before.clear();
      for (; place != places_.end() && place->after == code; ++place) {
        if (place->n_equal < length) continue;
        ++count;
        const RowCode before = place->n_equal > length ? code_of(tokens_[tokens_.size() - length - 1]) : place->before;
        if (before == 0) {
          has_start = true;
        } else if (std::ranges::find(codes_before, before) == codes_before.end()) {
          codes_before.push_back(before);
        }
      }
      if (count == 0) continue;
      rows.codes.push_back(code);
      rows.counts.push_back(count);
      rows.count_tally.add(count);
      if (!with_lefts) continue;
      rows.lefts.push_back(codes_before.empty() ? count : codes_before.size() + has_start);
      rows.left_tally.add(rows.lefts.back());
    }
    levels_.push_back({shortest, length, &rows, nullptr});
    shortest = length + 1;
  }
}

}  // namespace infgram
