#include "index/survey.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "base/errors.hpp"
#include "base/parallel.hpp"

namespace infgram {
namespace {

constexpr std::uint64_t kBatch = 64;                      // suffixes whose reads are under way together
constexpr std::uint64_t kChunk = std::uint64_t{1} << 20;  // suffixes a task, about

// A context that may be stored: all but where its rows will stand.
struct Candidate {
  StoredContext context;
  std::uint64_t n_rows;
  std::vector<std::byte> rows;
};

// The context of one length that the pass is inside of.
class OpenContext {
 public:
  // The rows of the context that begins at this rank, the first of them with this code.
  void open(std::uint64_t rank, std::uint64_t code) {
    lo_ = row_begin_ = rank;
    code_ = code;
    rows_.clear();
  }

  // The suffixes from this rank on have another row.
  void change_row(std::uint64_t rank, std::uint64_t code) {
    rows_.emplace_back(code_, rank - row_begin_);
    row_begin_ = rank;
    code_ = code;
  }

  void close(std::uint64_t rank, std::uint64_t depth, std::vector<Candidate>& candidates) {
    if (rows_.size() + 1 < kFewestStoredRows) return;
    rows_.emplace_back(code_, rank - row_begin_);
    Candidate& candidate = candidates.emplace_back(Candidate{{lo_, rank, depth, 0}, rows_.size(), {}});
    std::uint64_t previous = ~std::uint64_t{0};
    for (const auto& [code, count] : rows_) append_row(candidate.rows, code - std::exchange(previous, code), count);
  }

 private:
  std::uint64_t lo_ = 0;
  std::uint64_t row_begin_ = 0;
  std::uint64_t code_ = 0;  // 0 for the end of the document, a token's id + 1
  std::vector<std::pair<std::uint64_t, std::uint64_t>> rows_;
};

template <class Token>
class Surveyor {
 public:
  Surveyor(Text<Token> text, const PackedArray& suffix_array, std::vector<std::uint64_t>& keys)
      : text_(text), suffix_array_(suffix_array), keys_(keys) {}

  // Surveys the ranks of one first token.
  void run(SuffixRange range, std::vector<Candidate>& candidates) const { run(range, 1, candidates); }

 private:
  static constexpr unsigned kLanes = Text<Token>::kKeyTokens;

  // The contexts of the suffixes in `range`, which share their first `depth` tokens: those of `depth` tokens to
  // depth + kLanes - 1, whose rows one key tells; then the longer ones, where enough suffixes share the whole key.
  void run(SuffixRange range, std::uint64_t depth, std::vector<Candidate>& candidates) const {
    std::array<OpenContext, kLanes> open;  // open[d] is the context of depth + d tokens
    std::array<std::uint64_t, kBatch> positions;
    std::uint64_t previous = 0;
    unsigned n_open = 0;                 // contexts that the suffix before is long enough for
    std::uint64_t key_begin = range.lo;  // the first suffix of this key
    for (std::uint64_t batch = range.lo; batch < range.hi; batch += kBatch) {
      const std::uint64_t n = std::min(kBatch, range.hi - batch);
      for (std::uint64_t i = 0; i < n; ++i) {
        positions[i] = position(batch + i, depth);
        text_.prefetch(positions[i]);
      }
      for (std::uint64_t i = 0; i < n; ++i) {
        const std::uint64_t rank = batch + i;
        const std::uint64_t key = text_.key(positions[i]);
        if (depth == 1 && rank % kSampleStep == 0) keys_[rank / kSampleStep] = key;
        if (rank > range.lo) {
          if (key == previous) continue;
          run_deeper({key_begin, rank}, previous, depth, candidates);
          const unsigned n_shared = static_cast<unsigned>(std::countl_zero(key ^ previous)) / Text<Token>::kTokenBits;
          close(open, n_shared + 1, n_open, depth, rank, candidates);
          open[n_shared].change_row(rank, code(key, n_shared));
          n_open = n_shared + 1;
        }
        while (n_open < kLanes && (n_open == 0 || code(key, n_open - 1) != 0)) {
          open[n_open].open(rank, code(key, n_open));
          ++n_open;
        }
        previous = key;
        key_begin = rank;
      }
    }
    run_deeper({key_begin, range.hi}, previous, depth, candidates);
    close(open, 0, n_open, depth, range.hi, candidates);
  }

  void run_deeper(SuffixRange range, std::uint64_t key, std::uint64_t depth, std::vector<Candidate>& candidates) const {
    if (range.count() < kFewestStoredRows || Text<Token>::ends(key) || depth + kLanes > kLongestStoredContext) return;
    run(range, depth + kLanes, candidates);
  }

  static std::uint64_t code(std::uint64_t key, unsigned lane) {
    return (key >> (64 - (lane + 1) * Text<Token>::kTokenBits)) & (~std::uint64_t{0} >> (64 - Text<Token>::kTokenBits));
  }

  static void close(std::array<OpenContext, kLanes>& open, unsigned first, unsigned last, std::uint64_t depth,
                    std::uint64_t rank, std::vector<Candidate>& candidates) {
    for (unsigned d = first; d < last; ++d) open[d].close(rank, depth + d, candidates);
  }

  [[nodiscard]] std::uint64_t position(std::uint64_t rank, std::uint64_t depth) const {
    const std::uint64_t position = suffix_array_[rank] + depth;
    if (position < text_.size()) return position;
    throw IndexDamagedError("rank " + std::to_string(rank) + " of the suffix array holds position " +
                            std::to_string(position - depth) + ", beyond the text");
  }

  Text<Token> text_;
  const PackedArray& suffix_array_;
  std::vector<std::uint64_t>& keys_;
};

// Tokens in chunks of about kChunk suffixes: chunk i is tokens [chunks[i], chunks[i + 1]).
std::vector<std::uint64_t> chunks_of(const PackedArray& first_token_starts) {
  std::vector<std::uint64_t> chunks = {0};
  const std::uint64_t vocab_size = first_token_starts.size() - 1;
  for (std::uint64_t token = 1; token <= vocab_size; ++token) {
    const bool is_full = first_token_starts[token] - first_token_starts[chunks.back()] >= kChunk;
    if (is_full || token == vocab_size) chunks.push_back(token);
  }
  return chunks;
}

// Keeps the contexts of most rows that fit into so many bytes.
Survey gather(std::vector<std::uint64_t> keys, std::vector<Candidate> candidates, std::uint64_t most_bytes) {
  const auto place = [](const Candidate& candidate) {
    return std::pair(candidate.context.depth, candidate.context.lo);
  };
  std::ranges::sort(candidates, [&](const Candidate& a, const Candidate& b) {
    return a.n_rows != b.n_rows ? a.n_rows > b.n_rows : place(a) < place(b);
  });
  std::size_t n = 0;
  for (std::uint64_t size = 0; n < candidates.size(); ++n) {
    size += candidates[n].rows.size();
    if (size > most_bytes) break;
  }
  candidates.resize(n);
  std::ranges::sort(candidates, {}, place);
  Survey result{std::move(keys), {}, {}};
  for (Candidate& candidate : candidates) {
    candidate.context.offset = result.continuations.size();
    result.contexts.push_back(candidate.context);
    result.continuations.insert(result.continuations.end(), candidate.rows.begin(), candidate.rows.end());
  }
  return result;
}

}  // namespace

Survey survey(const AnyText& text, const PackedArray& suffix_array, const PackedArray& first_token_starts,
              std::size_t n_threads, const SortProgress& progress) {
  std::vector<std::uint64_t> keys((suffix_array.size() + kSampleStep - 1) / kSampleStep);
  const auto chunks = chunks_of(first_token_starts);
  std::vector<std::vector<Candidate>> found(chunks.size() - 1);
  text.visit([&]<class Token>(Text<Token> typed) {
    const Surveyor<Token> surveyor(typed, suffix_array, keys);
    parallel_for(found.size(), n_threads, [&](std::size_t i, std::size_t worker) {
      for (std::uint64_t token = chunks[i]; token < chunks[i + 1]; ++token) {
        const SuffixRange range{first_token_starts[token], first_token_starts[token + 1]};
        if (!range.empty()) surveyor.run(range, found[i]);
      }
      if (worker == 0) progress(first_token_starts[chunks[i]]);
    });
  });
  std::vector<Candidate> candidates;
  for (auto& part : found) std::ranges::move(part, std::back_inserter(candidates));
  return gather(std::move(keys), std::move(candidates), text.size / kTokensPerStoredByte);
}

}  // namespace infgram
