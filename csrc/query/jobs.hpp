// Searches prepared to run together.
#pragma once

#include <cstdint>
#include <span>
#include <utility>

#include "index/index.hpp"
#include "query/descent.hpp"

namespace infgram {

// Calls f with an (unused) Text of the index's token type.
template <class F>
decltype(auto) with_token_type(const Index& index, F&& f) {
  return index.shards().front().text().visit(std::forward<F>(f));
}

// One pattern in one shard: what insert() and extend() take and give.
template <class Token>
struct Job {
  const Shard* shard;
  Pattern<Token> pattern;
  SuffixRange within;   // suffixes that share the pattern's first `depth` tokens
  std::uint64_t depth;  // > 0
  Insertion at{};

  [[nodiscard]] bool is_trivial() const { return within.empty() || pattern.size <= depth; }
};

// The job of a pattern that is not empty, in a whole shard.
template <class Token>
Job<Token> job_for(const Shard& shard, Pattern<Token> pattern) {
  return {&shard, pattern, shard.first_token_range(pattern.data[0]), 1};
}

// Fills `at` of each job; that of a trivial one spans its range.
template <class Token>
void insert_all(std::span<Job<Token>> jobs) {
  interleave(jobs.size(), [&](std::size_t i) {
    Job<Token>& job = jobs[i];
    if (!job.is_trivial()) return insert(*job.shard, job.pattern, job.within, job.depth, job.at);
    job.at = {job.within.lo, 0, job.within.empty() ? 0 : job.depth};
    return Strand();
  });
}

// The ranges of the suffixes that begin with each whole pattern, into ranges[0], ranges[1], …
// REQUIRES that insert_all() was called, ranges of jobs.size().
template <class Token>
void extend_all(std::span<Job<Token>> jobs, SuffixRange* ranges) {
  interleave(jobs.size(), [&](std::size_t i) {
    const Job<Token>& job = jobs[i];
    const std::uint64_t size = job.pattern.size;
    ranges[i] = job.is_trivial() ? job.within : SuffixRange{job.at.rank, job.at.rank};
    if (job.is_trivial() || job.at.above < size) return Strand();
    return extend(*job.shard, job.pattern, job.within, job.depth, job.at, size, size, ranges + i);
  });
}

}  // namespace infgram
