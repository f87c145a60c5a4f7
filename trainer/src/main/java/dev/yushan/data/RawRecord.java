package dev.yushan.data;

import java.util.function.Supplier;

/// A record as it was cut out of its file, not yet parsed: so that one thread cuts and many parse.
///
/// @param position its line, record or row number, from 1
/// @param bytes about how much it holds, the same for the same file
/// @param content parses it; safe to call on any thread
record RawRecord(long position, long bytes, Supplier<RecordContent> content) {}
