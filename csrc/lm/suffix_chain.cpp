#include "lm/suffix_chain.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "query/search_batch.hpp"

namespace infgram {

SuffixChain::SuffixChain(ContextTree& tree) : tree_(&tree), runs_{{tree.root(), 0}} {}

void SuffixChain::append(TokenId token) {
  if (tree_->is_full()) {
    tree_->forget();
    for (const Run& run : runs_) run.node->children.clear();
  }
  std::vector<Run> runs = {{tree_->root(), 0}};
  std::optional<std::uint64_t> shortest_rare;
  next_occurrences_.clear();
  for (const Run& run : runs_) {
    const std::uint64_t count = run.node->next_tokens.count_of(code_of(token));
    if (count <= tree_->few_occurrences()) {
      if (count > 0) find_occurrences(run, token);
      shortest_rare = run.shortest + 1;
      break;
    }
    const auto context = std::span(tokens_).last(run.node->depth);
    std::shared_ptr<ContextNode> child = tree_->child(*run.node, context, token);
    if (runs.size() > 1 && runs.back().node->next_tokens.count_tally.total == child->next_tokens.count_tally.total) {
      runs.back().node = std::move(child);
    } else {
      runs.push_back({std::move(child), run.shortest + 1});
    }
  }
  if (!shortest_rare) extend_occurrences(token);
  tokens_.push_back(token);  // nothing below throws
  runs_ = std::move(runs);
  shortest_rare_ = shortest_rare.value_or(shortest_rare_ + 1);
  std::swap(occurrences_, next_occurrences_);
}

// All shorter suffixes followed by the token are frequent. So the known occurrences that the token follows are those of
// the next position.
void SuffixChain::extend_occurrences(TokenId token) {
  for (Occurrence occurrence : occurrences_) {
    if (occurrence.after != code_of(token)) continue;
    ++occurrence.end;
    ++occurrence.n_equal;
    const Shard& shard = tree_->index().shards()[occurrence.shard];
    shard.text().visit([&]<class Token>(Text<Token>) { occurrence.after = shard.code<Token>(occurrence.end); });
    next_occurrences_.push_back(occurrence);
  }
}

// Finds the occurrences of the run's longest suffix followed by the token. Occurrences known from the previous position
// keep the number of equal tokens before them.
void SuffixChain::find_occurrences(const Run& run, TokenId token) {
  const std::uint64_t depth = run.node->depth;
  const auto context = std::span(tokens_).last(depth);
  const ShardRanges ranges = tree_->extend(*run.node, context, token);
  for (std::size_t s = 0; s < ranges.size(); ++s) {
    const Shard& shard = tree_->index().shards()[s];
    shard.text().visit([&]<class Token>(Text<Token> text) {
      const std::size_t first = next_occurrences_.size();
      for (LiveRanks live = shard.live_ranks(ranges[s]); !live.is_done(); live.advance()) {
        next_occurrences_.push_back({s, shard.position(live.rank(), depth + 1), depth + 1, 0, 0});
        text.prefetch(next_occurrences_.back().end);
      }
      for (std::size_t i = first; i < next_occurrences_.size(); ++i) {
        Occurrence& occurrence = next_occurrences_[i];
        occurrence.after = shard.code<Token>(occurrence.end);
        const auto old = std::ranges::find_if(
            occurrences_, [&](const Occurrence& other) { return other.end + 1 == occurrence.end && other.shard == s; });
        if (old != occurrences_.end()) {
          occurrence.n_equal = old->n_equal + 1;
          occurrence.before = old->before;
          continue;
        }
        const auto is_equal = [&](std::uint64_t n) {  // whether one more token is equal
          return n <= tokens_.size() && n < occurrence.end &&
                 text[occurrence.end - n - 1] == tokens_[tokens_.size() - n];
        };
        while (is_equal(occurrence.n_equal)) ++occurrence.n_equal;
        occurrence.before =
            occurrence.n_equal == occurrence.end ? 0 : shard.code<Token>(occurrence.end - occurrence.n_equal - 1);
      }
    });
  }
}

std::span<const Level> SuffixChain::levels(bool with_left_extensions) {
  levels_.clear();
  for (const Run& run : runs_) {
    if (with_left_extensions) tree_->count_left_extensions(*run.node);
    levels_.push_back({run.shortest, run.node->depth, &run.node->next_tokens, run.node.get()});
  }
  append_rare_levels(with_left_extensions);
  return levels_;
}

void SuffixChain::append_rare_levels(bool with_left_extensions) {
  if (occurrences_.empty()) return;
  std::ranges::sort(occurrences_, {}, &Occurrence::after);
  std::vector<std::uint64_t> lengths;
  lengths.reserve(occurrences_.size());
  for (const Occurrence& occurrence : occurrences_) lengths.push_back(occurrence.n_equal);
  std::ranges::sort(lengths);
  const auto repeated = std::ranges::unique(lengths);
  lengths.erase(repeated.begin(), repeated.end());
  if (rare_next_tokens_.size() < lengths.size()) rare_next_tokens_.resize(lengths.size());
  std::vector<TokenCode> codes_before;
  std::uint64_t shortest = shortest_rare_;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    const std::uint64_t length = lengths[i];
    NextTokenCounts& next_tokens = rare_next_tokens_[i];
    next_tokens.codes.clear();
    next_tokens.counts.clear();
    next_tokens.left_extension_counts.clear();
    next_tokens.count_tally = next_tokens.left_extension_tally = {};
    for (auto occurrence = occurrences_.begin(); occurrence != occurrences_.end();) {
      const TokenCode code = occurrence->after;
      std::uint64_t count = 0;
      bool has_start = false;
      codes_before.clear();
      for (; occurrence != occurrences_.end() && occurrence->after == code; ++occurrence) {
        if (occurrence->n_equal < length) continue;
        ++count;
        const TokenCode before =
            occurrence->n_equal > length ? code_of(tokens_[tokens_.size() - length - 1]) : occurrence->before;
        if (before == 0) {
          has_start = true;
        } else if (std::ranges::find(codes_before, before) == codes_before.end()) {
          codes_before.push_back(before);
        }
      }
      if (count == 0) continue;
      next_tokens.codes.push_back(code);
      next_tokens.counts.push_back(count);
      next_tokens.count_tally.add(count);
      if (!with_left_extensions) continue;
      next_tokens.left_extension_counts.push_back(codes_before.empty() ? count
                                                                       : codes_before.size() + (has_start ? 1 : 0));
      next_tokens.left_extension_tally.add(next_tokens.left_extension_counts.back());
    }
    levels_.push_back({shortest, length, &next_tokens, nullptr});
    shortest = length + 1;
  }
}

}  // namespace infgram
