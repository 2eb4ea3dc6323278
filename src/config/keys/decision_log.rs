//! The keys of `decision_log`.

use super::entry::{Entry, Kind, entry};

pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "decision_log.console",
        Kind::Word,
        "How decisions are shown on standard output: human-readable on a terminal and JSON lines elsewhere (`auto`), always \
         human-readable (`pretty`), always JSON lines (`json`), or not at all (`off`).",
    ),
    entry("decision_log.file", Kind::Section, "File that decision records are written to."),
    entry("decision_log.file.path", Kind::Path, "Path of the file; it has one JSON document a line."),
    entry(
        "decision_log.file.max_size",
        Kind::Size,
        "The size at which the file is rotated: renamed to `<path>.1`, `.1` to `.2`, and so on.",
    ),
    entry("decision_log.file.keep", Kind::Number, "Number of rotated files to keep."),
    entry(
        "decision_log.refusals.path",
        Kind::Path,
        "Path of the file for calls that were refused before the caller was authenticated, or for exceeding a rate limit. By \
         default it is next to `decision_log.file.path`, with `.refused` before its extension; without a file, the console.",
    ),
    entry("decision_log.refusals.max_size", Kind::Size, "Size at which that file is rotated."),
    entry("decision_log.refusals.keep", Kind::Number, "Number of rotated files to keep."),
    entry(
        "decision_log.refusals.rate",
        Kind::Number,
        "Maximum number of such refusals to record a second. Further ones are counted, and a summary record has their number.",
    ),
    entry(
        "decision_log.allow_unmasked",
        Kind::Flag,
        "Whether to activate bundles that declare `data.system.log.mask` or `data.system.log.drop`. Verdict does not apply \
         them: what they hide is recorded. Otherwise such bundles are refused.",
    ),
    entry(
        "decision_log.claims",
        Kind::TextOrTexts,
        "Claims of the verified subject that records contain in `input.subject.claims`: `none`, or a list of names.",
    ),
    entry(
        "decision_log.nd_builtin_cache",
        Kind::Flag,
        "Whether records contain `nd_builtin_cache`: the results of `time.now_ns`, `rand.intn`, `uuid.rfc4122`, `opa.runtime`, \
         `net.lookup_ip_addr` and `http.send`, so that `verdict eval --nd-builtin-cache` can reproduce the decision. It contains \
         the requests of `http.send` with their headers, and the responses.",
    ),
    entry("decision_log.labels", Kind::TextMap, "Labels added to every record, besides `id` and `version`."),
];
