package dev.yushan.data.dedup;

/// Random access to the texts whose signatures are compared.
@FunctionalInterface
public interface TextLookup {
  /// The text that signature number `document` was made of. Called by several threads at once, and
  /// more than once for some documents.
  String text(int document);
}
