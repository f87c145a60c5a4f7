package dev.yushan.train;

/// An entry of `dataset` or `eval_dataset` as it was used.
///
/// @param name short name, that of keys in logs
/// @param entry as the configuration has it
/// @param files files of it
/// @param documents documents that are trained or evaluated on; pieces of split ones count each
/// @param tokens their tokens
record DatasetFacts(String name, String entry, int files, long documents, long tokens) {}
