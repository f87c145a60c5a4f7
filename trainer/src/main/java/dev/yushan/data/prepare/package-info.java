/// From raw text to a prepared corpus: sources are read and cut into shards, each stage says what
/// becomes of every document, and what is left is counted, written and reported.
///
/// A stage is a pure function over a document ([dev.yushan.data.prepare.Stage]); deduplication, the
/// one that needs all documents at once, stands between two runs over them. What a stage made of a
/// shard is kept as a layer, named by a hash of all that it depends on: so nothing is done twice,
/// and a process that is killed loses only the shards it was at.
package dev.yushan.data.prepare;
