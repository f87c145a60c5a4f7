package dev.yushan.data;

import java.nio.file.Path;

/// One file of training data.
///
/// @param textColumn the field or column that holds the text; unused for `.txt`
public record SourceFile(Path path, Format format, String textColumn) {}
