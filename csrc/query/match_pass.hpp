// The searches of longest_matches() and score(): where every rest of a sequence stands in every shard.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "query/jobs.hpp"
#include "query/search.hpp"

namespace infgram {

template <class Token>
class MatchPass {
 public:
  // Runs the searches. The index must outlive the pass.
  MatchPass(const Index& index, std::span<const TokenId> tokens) : index_(index), sequence_(tokens) {
    jobs_.reserve(n_positions() * n_shards());
    for (std::uint64_t i = 0; i < n_positions(); ++i) {
      for (const Shard& shard : index.shards()) {
        jobs_.push_back(job_for(shard, sequence_.pattern(i, n_positions() - i)));
      }
    }
    insert_all<Token>(jobs_);
  }

  [[nodiscard]] std::uint64_t n_positions() const { return sequence_.size(); }
  [[nodiscard]] std::size_t n_shards() const { return index_.shards().size(); }

  // The tokens from position i on that occur in some shard.
  [[nodiscard]] std::uint64_t length(std::uint64_t i) const {
    std::uint64_t longest = 0;
    for (std::size_t s = 0; s < n_shards(); ++s) longest = std::max(longest, length(i, s));
    return longest;
  }

  // A strand that counts, in one shard, the first `shortest`, …, `longest` tokens from position i on, into ranges[0], …
  // REQUIRES 0 < shortest <= longest <= length(i). Lengths that do not occur in this shard are left as they are.
  [[nodiscard]] Strand extend(std::uint64_t i, std::size_t s, std::uint64_t longest, std::uint64_t shortest,
                              SuffixRange* ranges) const {
    const Job<Token>& job = jobs_[i * n_shards() + s];
    longest = std::min(longest, length(i, s));
    if (shortest == 1 && longest > 0) *ranges++ = job.within;
    shortest = std::max<std::uint64_t>(shortest, 2);
    if (longest < shortest) return {};
    return infgram::extend(*job.shard, job.pattern, job.within, job.depth, job.at, longest, shortest, ranges);
  }

  [[nodiscard]] const Sequence<Token>& sequence() const { return sequence_; }

 private:
  [[nodiscard]] std::uint64_t length(std::uint64_t i, std::size_t s) const {
    const Job<Token>& job = jobs_[i * n_shards() + s];
    return job.at.length();
  }

  const Index& index_;
  Sequence<Token> sequence_;
  std::vector<Job<Token>> jobs_;  // of position i in shard s at i * n_shards + s
};

}  // namespace infgram
