package dev.yushan.data;

import java.nio.file.Path;

/// One file of training data.
///
/// @param columns what its records are made of; unused for `.txt`
public record SourceFile(Path path, Format format, TextColumns columns) {}
