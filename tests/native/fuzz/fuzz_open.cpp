// Opening: any bytes as a section file, and altered shards. What opens describes itself.
#include "fuzz/hostile_index.hpp"

namespace {

using namespace fuzz;

void describe(const Index& index) {
  for (const Shard& shard : index.shards()) static_cast<void>(shard.sections());
  for (std::size_t s = 0; s < index.shards().size(); ++s) {
    const Shard& shard = index.shards()[s];
    attempt([&] {
      for (std::uint64_t d = 0; d < shard.n_documents(); ++d) static_cast<void>(std::string(shard.metadata(d)));
    });
    attempt([&] {
      for (std::uint64_t d = 0; d < shard.n_documents(); ++d) {
        if (const auto source = shard.source(d)) static_cast<void>(std::string(source->name));
      }
    });
    attempt([&] {
      std::vector<std::int64_t> ids;
      for (std::uint64_t d = 0; d < shard.n_documents(); ++d) shard.read_tokens(shard.document_span(d), ids);
      for (const std::int64_t id : ids) {
        if (id < 0 || static_cast<std::uint64_t>(id) >= shard.vocab_size()) std::abort();
      }
    });
    attempt([&] {
      for (std::uint64_t token = 0; token <= shard.vocab_size() && token < 1000; ++token) {
        const SuffixRange range = shard.first_token_range(static_cast<TokenId>(token));
        if (range.lo > range.hi || range.hi > shard.n_tokens()) std::abort();
      }
    });
    attempt([&] { static_cast<void>(shard.containing_document(shard.text().size / 2)); });
  }
}

// One file is replaced as a whole.
void open_raw(Input& input) {
  Base& base = base_of(input.next<std::uint8_t>());
  const auto where = input.next<std::uint8_t>();
  base.restore();
  base.write(true);
  base.replace(where % kSectionNames.size(), input.rest());
  attempt([&] { describe(Index::open(base.folders(), Access::kMemory)); });
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return within_a_second([&] {
    Input input({data, size});
    if (input.next<std::uint8_t>() % 8 == 0) return open_raw(input);
    if (const auto opened = open_hostile(input)) describe(opened->index);
  });
}
