// Verification of an altered index, and sorting from hostile tokens.
#include "fuzz/verification.hpp"

namespace {

using namespace fuzz;

// Sorts a copy, so that the files stay those that were written.
void sort_copy(const Base& base) {
  const check::TemporaryFolder copy;
  for (const SectionKind kind : {SectionKind::kTokens, SectionKind::kFirstTokenStarts}) {
    std::filesystem::copy(base.folders()[0] / file_name_of(kind), copy.path() / file_name_of(kind));
  }
  sort_shard(copy.path(), {}, [](std::uint64_t) {});
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return within_a_second([&] {
    Input input({data, size});
    const auto opened = open_hostile(infgram_bases(), input);
    if (!opened) return;
    const bool is_sorted = input.next<std::uint8_t>() % 32 == 31;
    attempt([&] { is_sorted ? sort_copy(*opened->base) : verify(*opened, input); });
  });
}
