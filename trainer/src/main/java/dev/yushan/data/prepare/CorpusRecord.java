package dev.yushan.data.prepare;

/// A document on its way through the stages.
///
/// @param source the name of the source it is from
/// @param id what its source calls it, or its file and place
public record CorpusRecord(String source, String id, String text) {}
