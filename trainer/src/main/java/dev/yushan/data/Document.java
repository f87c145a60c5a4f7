package dev.yushan.data;

import java.nio.file.Path;

/// Where a document (or a piece of one) came from, for messages.
///
/// @param file its file
/// @param place its line, record or row in it, as text; empty where the file is one document
/// @param from the first token of the piece within the document
/// @param length tokens of the piece
public record Document(Path file, String place, long from, int length) {
  /// `n` tokens of it, from the one at `start` on.
  Document part(int start, int n) {
    return new Document(file, place, from + start, n);
  }

  /// For example `corpus.jsonl line 17` or `corpus.jsonl line 17, tokens 4096 to 8191`.
  @Override
  public String toString() {
    String where = place.isEmpty() ? file.toString() : file + " " + place;
    return from == 0 ? where : where + ", tokens " + from + " to " + (from + length - 1);
  }
}
