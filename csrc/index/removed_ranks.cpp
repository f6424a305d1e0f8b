#include "index/removed_ranks.hpp"

#include <algorithm>
#include <bit>
#include <string>

#include "base/bisection.hpp"

namespace infgram {
namespace {

constexpr std::uint64_t kPerBucket = 4;

}  // namespace

RemovedRanks::RemovedRanks(const Section& section, std::uint64_t n_suffixes) : ranks_(section.packed()) {
  if (empty()) return;
  if (size() > n_suffixes) section.damaged("holds more ranks than the shard has suffixes");
  shift_ = static_cast<unsigned>(std::bit_width(kPerBucket * (n_suffixes / size())));
  starts_.reserve((n_suffixes >> shift_) + 2);
  for (std::uint64_t place = 0, next = 0; place < size(); ++place) {
    const Rank rank = ranks_[place];
    if (rank < next || rank >= n_suffixes) {
      section.damaged("rank " + std::to_string(rank) + " does not ascend or is beyond the suffix array");
    }
    next = rank + 1;
    while (starts_.size() <= rank >> shift_) starts_.push_back(place);
  }
  starts_.resize((n_suffixes >> shift_) + 2, size());
}

// A mapped file may lose pages (storage/truncation.hpp). The result stays within the bucket's bounds, whatever is read.
std::uint64_t RemovedRanks::search(Rank rank) const {
  return bisect(starts_[rank >> shift_], starts_[(rank >> shift_) + 1],
                [&](std::uint64_t place) { return ranks_[place] < rank; });
}

// Before the removed rank at `place` there are ranks_[place] - place live ones.
Rank RemovedRanks::nth_live(std::uint64_t n) const {
  return n + bisect(0, size(), [&](std::uint64_t place) { return ranks_[place] <= n + place; });
}

// Inside the run, places and ranks ascend alike: by doubling steps, then by bisection.
RemovedRanks::RunEnd RemovedRanks::run_end(Rank rank, std::uint64_t place) const {
  std::uint64_t inside = 0;
  std::uint64_t outside = size() - place;
  bool is_doubling = true;
  for (std::uint64_t step = 1; outside - inside > 1; step *= 2) {
    if (is_doubling && inside + step >= outside) is_doubling = false;
    const std::uint64_t tried = is_doubling ? inside + step : inside + (outside - inside) / 2;
    if (ranks_[place + tried] == rank + tried) {
      inside = tried;
    } else {
      outside = tried;
      is_doubling = false;
    }
  }
  return {rank + inside + 1, place + inside + 1};
}

}  // namespace infgram
