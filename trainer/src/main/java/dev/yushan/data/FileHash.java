package dev.yushan.data;

/// The content of a data file as it was read, or of the neighbouring text files that are cached as
/// one.
///
/// @param name its path; of several files that of the first, and how many there are more
/// @param hash of the content, 64 hexadecimal digits
public record FileHash(String name, String hash) {}
