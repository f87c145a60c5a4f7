package dev.yushan.io;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;

/// The order of strings by their UTF-8 bytes, as Rust and Python sort them; [String#compareTo]
/// differs for characters outside the basic plane.
final class Utf8Order {
  static final Comparator<String> COMPARATOR =
      (a, b) ->
          Arrays.compareUnsigned(
              a.getBytes(StandardCharsets.UTF_8), b.getBytes(StandardCharsets.UTF_8));

  private Utf8Order() {}
}
