// Opening: any bytes as a section file, and altered shards. What opens describes itself.
#include "fuzz/hostile_index.hpp"

namespace {

using namespace fuzz;

void describe(const Index& index) {
  for (const Shard& shard : index.shards()) static_cast<void>(shard.sections());
  for (std::size_t s = 0; s < index.shards().size(); ++s) {
    const Shard& shard = index.shards()[s];
    std::vector<std::int64_t> ids;
    for (std::uint64_t d = 0; d < shard.n_stored_documents(); ++d) {
      attempt([&] { static_cast<void>(std::string(shard.metadata(d))); });
      attempt([&] {
        const std::uint64_t number = shard.document_number(d);
        if (number < shard.first_document() || number >= shard.end_document()) std::abort();
        static_cast<void>(shard.first_document_from(number));
        static_cast<void>(shard.is_removed(d));
      });
      attempt([&] {
        if (const auto source = shard.source(d)) static_cast<void>(std::string(source->name));
      });
      attempt([&] {
        ids.clear();
        shard.read_tokens(shard.document_span(d), ids);
        for (const std::int64_t id : ids) {
          if (id < 0 || static_cast<std::uint64_t>(id) >= shard.vocab_size()) std::abort();
        }
      });
    }
    for (std::uint64_t token = 0; token <= shard.vocab_size() && token < 1000; ++token) {
      attempt([&] {
        const SuffixRange range = shard.first_token_range(static_cast<TokenId>(token));
        if (range.lo > range.hi || range.hi > shard.n_suffixes()) std::abort();
        std::uint64_t n_live = 0;
        for (LiveRanks ranks = shard.live_ranks(range); !ranks.is_done(); ranks.advance()) {
          if (ranks.rank() != shard.rank_of_live(shard.live_rank(range.lo) + n_live++)) std::abort();
        }
        if (n_live != shard.live_count(range)) std::abort();
      });
    }
    attempt([&] { static_cast<void>(shard.containing_document(shard.text().size / 2)); });
  }
}

// One file is replaced as a whole.
void open_raw(Input& input) {
  Base& base = base_of(input.next<std::uint8_t>());
  const auto where = input.next<std::uint8_t>();
  const std::size_t section = where % base.n_sections(true);
  for (std::size_t s = 0; s < base.folders().size(); ++s) {
    for (std::size_t k = 0; k < base.n_sections(true); ++k) base.write(s, k, base.healthy()[s][k].content());
  }
  base.write(0, section, Bytes(input.rest().begin(), input.rest().end()));
  attempt([&] { describe(Index::open(base.states(section >= kSectionNames.size()), Access::kMemory)); });
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return within_a_second([&] {
    Input input({data, size});
    if (input.next<std::uint8_t>() % 8 == 0) return open_raw(input);
    if (const auto opened = open_hostile(input)) describe(opened->index);
  });
}
