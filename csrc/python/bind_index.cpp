// Binds the queries of an open index. Each function converts its arguments, releases the GIL, calls, and converts the
// result. Releasing is safe: an Index is immutable, and its queries touch no Python object.
#include <pybind11/stl.h>

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>

#include "base/errors.hpp"
#include "base/fork_safe_mutex.hpp"
#include "python/checked.hpp"
#include "python/paths.hpp"
#include "python/polling.hpp"
#include "python/tokens.hpp"
#include "query/conjunction.hpp"
#include "query/locate.hpp"
#include "query/longest_match.hpp"
#include "query/longest_suffix.hpp"
#include "query/next_token.hpp"
#include "query/score.hpp"
#include "query/session.hpp"

namespace infgram::python {
namespace {

// The line of a document whose metadata contain its file and line, as infini-gram stores them.
constexpr std::int64_t kInMetadata = -1;

using Release = py::call_guard<py::gil_scoped_release>;
using NextTokenArrays = std::tuple<py::array_t<std::int64_t>, py::array_t<std::int64_t>, std::uint64_t, std::uint64_t>;

// (token ids, counts, context count, distinct next tokens before top_k)
NextTokenArrays next_token_arrays_from(NextTokens next, std::optional<std::size_t> top_k) {
  const std::uint64_t n_distinct = next.tokens.size();
  if (top_k) keep_top(next.tokens, *top_k);
  std::vector<std::int64_t> ids;
  std::vector<std::int64_t> counts;
  ids.reserve(next.tokens.size());
  counts.reserve(next.tokens.size());
  for (const NextToken& token : next.tokens) {
    ids.push_back(token.id);
    counts.push_back(static_cast<std::int64_t>(token.count));
  }
  return {array_from(std::move(ids)), array_from(std::move(counts)), next.context_count, n_distinct};
}

// A session with a lock, since Python may call it from any thread.
struct LockedSession {
  std::shared_ptr<const Index> index;  // keeps the files open
  Session session;
  mutable ForkSafeMutex mutex{};
};

std::vector<std::pair<std::uint64_t, std::uint64_t>> find_ranges(const Index& index, const py::object& tokens) {
  const auto pattern = tokens_from(tokens, index.vocab_size());
  const py::gil_scoped_release release;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  const ShardRanges found = find(index, pattern);
  for (std::size_t s = 0; s < found.size(); ++s) {
    const Shard& shard = index.shards()[s];
    const std::uint64_t lo = shard.live_rank(found[s].lo);
    ranges.emplace_back(lo, lo + shard.live_count(found[s]));
  }
  return ranges;
}

std::uint64_t count(const Index& index, const py::object& tokens) {
  const auto pattern = tokens_from(tokens, index.vocab_size());
  const py::gil_scoped_release release;
  return total_count(index, find(index, pattern));
}

std::uint64_t count_documents(const Index& index, const py::object& tokens, const std::optional<Callback>& progress) {
  const auto pattern = tokens_from(tokens, index.vocab_size());
  const Poll poll = counted(progress);
  const py::gil_scoped_release release;
  return document_count(index, find(index, pattern), poll);
}

py::array_t<std::int64_t> count_batch_array(const Index& index, const py::sequence& queries) {
  std::vector<TokenId> tokens;
  std::vector<std::size_t> starts = {0};
  starts.reserve(queries.size() + 1);
  for (const auto& query : queries) {
    append_tokens(query, index.vocab_size(), tokens);
    starts.push_back(tokens.size());
  }
  std::vector<std::int64_t> counts;
  {
    const py::gil_scoped_release release;
    counts = count_batch(index, tokens, starts);
  }
  return array_from(std::move(counts));
}

NextTokenArrays next_token_arrays(const Index& index, const py::object& context, std::optional<std::size_t> top_k) {
  const auto tokens = tokens_from(context, index.vocab_size());
  NextTokens next;
  {
    const py::gil_scoped_release release;
    next = next_tokens(index, find(index, tokens), tokens.size());
  }
  return next_token_arrays_from(std::move(next), top_k);
}

std::pair<std::uint64_t, std::uint64_t> longest(const Index& index, const py::object& context,
                                                std::uint64_t min_count) {
  const auto tokens = tokens_from(context, index.vocab_size());
  const py::gil_scoped_release release;
  const LongestSuffix suffix = longest_suffix(index, tokens, min_count);
  return {suffix.length, suffix.count};
}

// (suffix length, next tokens)
std::pair<std::uint64_t, NextTokenArrays> infgram_arrays(const Index& index, const py::object& context,
                                                         std::uint64_t min_count, std::optional<std::size_t> top_k) {
  const auto tokens = tokens_from(context, index.vocab_size());
  LongestSuffix suffix;
  NextTokens next;
  {
    const py::gil_scoped_release release;
    suffix = longest_suffix(index, tokens, min_count);
    next = next_tokens(index, suffix.ranges, suffix.length);
  }
  return {suffix.length, next_token_arrays_from(std::move(next), top_k)};
}

// (suffix length, context count, continuation count, whether the context is sparse)
std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, bool> infgram_counts(const Index& index,
                                                                             const py::object& context,
                                                                             NextTokenId next_token,
                                                                             std::uint64_t min_count) {
  if (next_token != kEndOfDocument &&
      (next_token < 0 || static_cast<std::uint64_t>(next_token) >= index.vocab_size())) {
    throw QueryError("token id " + std::to_string(next_token) + " is outside the vocabulary: ids go from 0 to " +
                     std::to_string(index.vocab_size() - 1) + ", or -1 for the end of the document");
  }
  const auto tokens = tokens_from(context, index.vocab_size());
  const py::gil_scoped_release release;
  const LongestSuffix suffix = longest_suffix(index, tokens, min_count);
  const bool sparse = is_sparse(index, suffix.ranges, suffix.length);
  const std::uint64_t n_ends = suffix.length == 0 ? index.n_documents() : 0;
  std::uint64_t continuation_count = next_token == kEndOfDocument ? n_ends : 0;
  if (suffix.length > 0 || next_token != kEndOfDocument) {
    const auto context = std::span(tokens).last(suffix.length);
    continuation_count += total_count(index, narrow(index, context, suffix.ranges, next_token));
  }
  return {suffix.length, suffix.count + n_ends, continuation_count, sparse};
}

// (suffix lengths, context counts, continuation counts)
auto score_arrays(const Index& index, const py::object& sequence, bool end, std::uint64_t min_count) {
  const auto tokens = tokens_from(sequence, index.vocab_size());
  std::vector<std::int64_t> lengths;
  std::vector<std::int64_t> context_counts;
  std::vector<std::int64_t> continuation_counts;
  {
    const py::gil_scoped_release release;
    for (const PositionScore& position : score(index, tokens, end, min_count)) {
      lengths.push_back(static_cast<std::int64_t>(position.suffix_length));
      context_counts.push_back(static_cast<std::int64_t>(position.context_count));
      continuation_counts.push_back(static_cast<std::int64_t>(position.continuation_count));
    }
  }
  return std::tuple(array_from(std::move(lengths)), array_from(std::move(context_counts)),
                    array_from(std::move(continuation_counts)));
}

// (match lengths, counts)
auto longest_match_arrays(const Index& index, const py::object& sequence) {
  const auto tokens = tokens_from(sequence, index.vocab_size());
  std::vector<std::int64_t> lengths;
  std::vector<std::int64_t> counts;
  {
    const py::gil_scoped_release release;
    lengths.reserve(tokens.size());
    counts.reserve(tokens.size());
    for (const LongestMatch& match : longest_matches(index, tokens)) {
      lengths.push_back(static_cast<std::int64_t>(match.length));
      counts.push_back(static_cast<std::int64_t>(match.count));
    }
  }
  return std::pair(array_from(std::move(lengths)), array_from(std::move(counts)));
}

std::unique_ptr<LockedSession> open_session(const std::shared_ptr<const Index>& index, const py::object& context,
                                            std::uint64_t min_count) {
  const auto tokens = tokens_from(context, index->vocab_size());
  const py::gil_scoped_release release;
  return std::make_unique<LockedSession>(index, Session(*index, tokens, min_count));
}

std::unique_ptr<LockedSession> copy_session(const LockedSession& session) {
  const py::gil_scoped_release release;
  const std::scoped_lock lock(session.mutex);
  return std::make_unique<LockedSession>(session.index, session.session);
}

void append_to_session(LockedSession& session, const py::object& added) {
  const auto tokens = tokens_from(added, session.index->vocab_size());
  const py::gil_scoped_release release;
  const std::scoped_lock lock(session.mutex);
  for (const TokenId token : tokens) session.session.append(token);
}

// (suffix length, next tokens)
std::pair<std::uint64_t, NextTokenArrays> session_distribution(const LockedSession& session,
                                                               std::optional<std::size_t> top_k) {
  std::uint64_t length = 0;
  NextTokens next;
  {
    const py::gil_scoped_release release;
    const std::scoped_lock lock(session.mutex);
    length = session.session.suffix().size();
    next = session.session.distribution();
  }
  return {length, next_token_arrays_from(std::move(next), top_k)};
}

// (suffix length, count, tokens appended)
auto session_state(const LockedSession& session) {
  const py::gil_scoped_release release;
  const std::scoped_lock lock(session.mutex);
  const Session& state = session.session;
  return std::tuple(state.suffix().size(), state.count(), state.n_tokens());
}

py::array_t<std::int64_t> session_suffix(const LockedSession& session) {
  std::vector<std::int64_t> suffix;
  {
    const py::gil_scoped_release release;
    const std::scoped_lock lock(session.mutex);
    suffix.assign(session.session.suffix().begin(), session.session.suffix().end());
  }
  return array_from(std::move(suffix));
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> pairs_from(const std::vector<Location>& locations) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> pairs;
  for (const Location& location : locations) pairs.emplace_back(location.document, location.offset);
  return pairs;
}

auto locate_pairs(const Index& index, const py::object& tokens, std::size_t limit) {
  const auto pattern = tokens_from(tokens, index.vocab_size());
  const py::gil_scoped_release release;
  return pairs_from(locate(index, find(index, pattern), limit));
}

// (document, offset)
std::pair<std::uint64_t, std::uint64_t> locate_rank(const Index& index, std::size_t shard, std::uint64_t rank) {
  if (shard >= index.shards().size() || rank >= index.shards()[shard].n_tokens()) {
    throw QueryError("there is no rank " + std::to_string(rank) + " in shard " + std::to_string(shard) +
                     "; use a rank from a range that find returns");
  }
  const py::gil_scoped_release release;
  ShardRanges ranges(index.shards().size());
  const Rank raw = index.shards()[shard].rank_of_live(rank);
  ranges[shard] = {raw, raw + 1};
  const std::vector<Location> found = locate(index, ranges, 1);
  if (found.empty()) index.throw_bad_counts();
  return {found.front().document, found.front().offset};
}

py::array_t<std::int64_t> document_tokens(const Index& index, std::uint64_t document) {
  std::vector<std::int64_t> ids;
  {
    const py::gil_scoped_release release;
    const auto [shard, in_shard] = index.locate_document(document);
    index.shards()[shard].read_tokens(index.shards()[shard].document_span(in_shard), ids);
  }
  return array_from(std::move(ids));
}

// For each document (metadata, name of its file or None, line)
std::vector<std::tuple<py::bytes, std::optional<py::bytes>, std::int64_t>> document_metadata(
    const Index& index, const std::vector<std::uint64_t>& documents) {
  std::vector<std::pair<std::string, std::optional<DocumentSource>>> found;
  {
    const py::gil_scoped_release release;
    for (const std::uint64_t document : documents) {
      const auto [shard, in_shard] = index.locate_document(document);
      found.emplace_back(index.shards()[shard].metadata(in_shard), index.shards()[shard].source(in_shard));
    }
  }
  std::vector<std::tuple<py::bytes, std::optional<py::bytes>, std::int64_t>> answers;
  answers.reserve(found.size());
  for (const auto& [json, source] : found) {
    if (source) {
      answers.emplace_back(json, py::bytes(source->name.data(), source->name.size()), source->line);
    } else if (index.shards().front().is_infini_gram()) {
      answers.emplace_back(json, std::nullopt, kInMetadata);
    } else {
      answers.emplace_back(json, std::nullopt, kNoLine);
    }
  }
  return answers;
}

// One {file name: (size in bytes, payload checksum)} per shard.
auto sections(const Index& index) {
  std::vector<std::map<std::string, std::pair<std::uint64_t, std::uint64_t>>> result;
  for (const Shard& shard : index.shards()) {
    auto& infos = result.emplace_back();
    for (const SectionInfo& info : shard.sections()) infos[info.file_name] = {info.size_bytes, info.payload_checksum};
  }
  return result;
}

void verify(const Index& index, const std::optional<Callback>& progress) {
  const SortProgress poll = throttled(progress);
  const py::gil_scoped_release release;
  index.verify(poll);
}

py::array_t<std::int64_t> document_ids(const Index& index, std::uint64_t begin, std::uint64_t limit) {
  std::vector<std::int64_t> ids;
  {
    const py::gil_scoped_release release;
    ids = index.document_ids(begin, limit);
  }
  return array_from(std::move(ids));
}

Access access_of(const std::string& load) {
  const std::map<std::string, Access> known = {
      {"map", Access::kRandom}, {"warm", Access::kWarm}, {"ram", Access::kMemory}};
  const auto access = known.find(load);
  if (access == known.end()) throw QueryError("load is '" + load + "'; expected 'map', 'warm' or 'ram'");
  return access->second;
}

std::shared_ptr<Index> open_index(const std::vector<ShardState>& shards, const std::string& load) {
  if (shards.empty()) throw QueryError("an index needs at least one shard");
  const Access access = access_of(load);
  const py::gil_scoped_release release;
  return std::make_shared<Index>(Index::open(shards, access));
}

std::shared_ptr<Index> open_infini_gram(const std::vector<InfiniGramFiles>& shards, std::uint64_t vocab_size,
                                        const std::string& load) {
  if (shards.empty()) throw QueryError("an index needs at least one shard");
  const Access access = access_of(load);
  const std::size_t n_threads = std::max(1U, std::thread::hardware_concurrency());
  const py::gil_scoped_release release;
  return std::make_shared<Index>(Index::open_infini_gram(shards, vocab_size, access, n_threads));
}

}  // namespace

void bind_index(py::module_& module) {
  py::class_<ShardState>(module, "ShardState", "Which files make up a shard, and how its documents are numbered.")
      .def(py::init<std::filesystem::path, std::uint64_t, std::uint64_t, bool>(), py::arg("folder"),
           py::arg("first_document") = 0, py::arg("removals") = 0, py::arg("has_numbers") = false,
           "The documents are numbered from first_document on, consecutively or with the gaps of document_numbers.bin. "
           "`removals` is the generation in the names of the removal files, 0 for none.")
      .def_readonly("folder", &ShardState::folder)
      .def_readonly("first_document", &ShardState::first_document)
      .def_readonly("removals", &ShardState::removals)
      .def_readonly("has_numbers", &ShardState::has_numbers);
  py::class_<InfiniGramFiles>(module, "InfiniGramFiles", "The files of one shard of an index that infini-gram made.")
      .def(py::init<std::filesystem::path, std::string, unsigned, bool>(), py::arg("folder"), py::arg("suffix"),
           py::arg("token_bits"), py::arg("has_metadata"), "The files are named folder/tokenized + suffix, and so on.");
  index_class index(module, "Index", "An open index: the union of some shards, without removed documents.");
  index
      .def(py::init(&open_index), py::arg("shards"), py::arg("load") = "map",
           "Open shards whose document numbers ascend: mapped (map), mapped and loaded at once (warm), or copied into "
           "memory (ram).")
      .def_static("open_infini_gram", &open_infini_gram, py::arg("shards"), py::arg("vocab_size"),
                  py::arg("load") = "map",
                  "Open shards that infini-gram made, in place; with a vocab_size of 0 the largest token id determines "
                  "it.")
      .def_property_readonly("n_tokens", &Index::n_tokens, "Tokens, without separators.")
      .def_property_readonly("n_documents", &Index::n_documents, "Documents.")
      .def_property_readonly("vocab_size", &Index::vocab_size, "Token ids go from 0 to vocab_size - 1.")
      .def_property_readonly(
          "token_bits", [](const Index& index) { return index.shards().front().token_bits(); },
          "The width of a stored token: 8, 16 or 32 bits.")
      .def_property_readonly(
          "n_shards", [](const Index& index) { return index.shards().size(); }, "Shards.")
      .def("sections", &sections, "One {file name: (size in bytes, payload checksum)} per shard.")
      .def("verify", &verify, py::arg("progress") = std::optional<Callback>(),
           "Check every byte of the open shards, and that their suffix arrays are complete and sorted; call "
           "progress(n_checked) from time to time.")
      .def("find", checked(&find_ranges), py::arg("tokens"), "The suffix range [lo, hi) in each shard.")
      .def("count", checked(&count), py::arg("tokens"), "Occurrences, exact.")
      .def("count_batch", checked(&count_batch_array), py::arg("queries"), "Occurrences of each query, int64.")
      .def("document_count", checked(&count_documents), py::arg("tokens"),
           py::arg("progress") = std::optional<Callback>(),
           "Distinct documents with an occurrence; call progress(n_read) from time to time.")
      .def("next_tokens", checked(&next_token_arrays), py::arg("context"), py::arg("top_k") = py::none(),
           "(token ids int64, counts int64, context count, distinct next tokens) after the whole context.")
      .def("longest_suffix", checked(&longest), py::arg("context"), py::arg("min_count") = 1,
           "(length, count) of the longest suffix that occurs min_count times.")
      .def("infgram", checked(&infgram_arrays), py::arg("context"), py::arg("min_count") = 1,
           py::arg("top_k") = py::none(), "(suffix length, result of next_tokens) after the longest suffix.")
      .def("infgram_counts", checked(&infgram_counts), py::arg("context"), py::arg("next_token"),
           py::arg("min_count") = 1, "(suffix length, context count, continuation count, is sparse) of one next token.")
      .def("score", checked(&score_arrays), py::arg("tokens"), py::arg("end") = false, py::arg("min_count") = 1,
           "(suffix lengths, context counts, continuation counts) int64, one per position.")
      .def("longest_matches", checked(&longest_match_arrays), py::arg("tokens"),
           "(lengths, counts) int64 of the longest match that starts at each position.")
      .def("locate", checked(&locate_pairs), py::arg("tokens"), py::arg("limit"),
           "[(document, offset)] of the first occurrences in suffix order.")
      .def("locate_rank", checked(&locate_rank), py::arg("shard"), py::arg("rank"),
           "(document, offset) of the suffix with this rank in a shard.")
      .def("document_ids", checked(&document_ids), py::arg("begin"), py::arg("limit"),
           "The numbers of the first `limit` documents from the number `begin` on, ascending, int64.")
      .def("document_tokens", checked(&document_tokens), py::arg("document"), "The document's token ids, int64.")
      .def("document_metadata", checked(&document_metadata), py::arg("documents"),
           "For each document (metadata as JSON bytes, name of its file, line). An empty name means the `path` in the "
           "metadata, and None an index without sources. Line 0 is unknown. Line -1 means that the metadata are a line "
           "of infini-gram, which contains file and line.");

  py::class_<LockedSession>(module, "Session", "The longest suffix of a growing context.")
      .def("append", checked(&append_to_session), py::arg("tokens"), "Append tokens.")
      .def("distribution", checked(&session_distribution), py::arg("top_k") = py::none(),
           "(suffix length, result of next_tokens) after the longest suffix.")
      .def("state", checked(&session_state), "(suffix length, its count, tokens appended).")
      .def("suffix", checked(&session_suffix), "The tokens of the suffix: int64.")
      .def("copy", checked(&copy_session), "An independent session in the same state.");
  index.def("session", checked(&open_session), py::arg("context"), py::arg("min_count") = 1,
            "Start a session with a context.");
}

}  // namespace infgram::python
