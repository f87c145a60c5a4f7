package dev.yushan.data.format;

/// What one rule did in one place. Another rule may have worked on the outcome.
///
/// @param rule the id of the rule
/// @param line the line of the given text where it begins, from 1
/// @param column the character (UTF-16) of that line where it begins, from 1
/// @param before what stood there when the rule came to it; empty where something was put in
/// @param after what stands there now; empty where something was taken away
public record Change(String rule, int line, int column, String before, String after) {}
