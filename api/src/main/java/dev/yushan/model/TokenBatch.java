package dev.yushan.model;

import dev.yushan.backend.Backend;
import dev.yushan.backend.KvPages;
import dev.yushan.backend.Owned;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.util.Arrays;
import java.util.Optional;

/// A ragged batch of tokens on a device: the one input of a model. A packed training batch, a chunk
/// of a prompt and a decode step of many requests are all this.
///
/// Sequences lie one after the other; no token sees another sequence; nothing is padded. The
/// tensors have a capacity and are filled again and again by [#load]; how many tokens count is on
/// the device in `count`, so that a recorded plan can be replayed on other batches.
///
/// @param tokens I32 `[T]`, with live rows
/// @param positions I32 `[T]`: each token's position in its sequence
/// @param sequences I32 `[S + 1]`: where each sequence starts; unused entries repeat the end
/// @param targets I32 `[T]`: the id to predict at each token, −100 for none
/// @param count I32 `[1]`: tokens in use
/// @param pages the key/value cache when serving
public record TokenBatch(
    Tensor tokens,
    Tensor positions,
    Tensor sequences,
    Tensor targets,
    Tensor count,
    Optional<KvPages> pages)
    implements AutoCloseable {

  /// The target of a token after which nothing is to be predicted.
  public static final int NO_TARGET = -100;

  /// The content of a batch, on the host.
  ///
  /// @param starts S + 1 ascending offsets, the first 0, the last the number of tokens
  public record Rows(int[] tokens, int[] positions, int[] starts, int[] targets) {
    public Rows {
      if (positions.length != tokens.length || targets.length != tokens.length) {
        throw new IllegalArgumentException(
            "%d tokens with %d positions and %d targets"
                .formatted(tokens.length, positions.length, targets.length));
      }
      if (starts.length < 1 || starts[0] != 0 || starts[starts.length - 1] != tokens.length) {
        throw new IllegalArgumentException(
            "sequence starts %s do not span %d tokens"
                .formatted(Arrays.toString(starts), tokens.length));
      }
    }

    /// Sequences that each begin at position 0 and have each next token as target.
    public static Rows ofSequences(int[]... sequences) {
      int total = Arrays.stream(sequences).mapToInt(s -> s.length).sum();
      int[] tokens = new int[total];
      int[] positions = new int[total];
      int[] targets = new int[total];
      int[] starts = new int[sequences.length + 1];
      for (int s = 0; s < sequences.length; s++) {
        int[] sequence = sequences[s];
        int start = starts[s];
        for (int i = 0; i < sequence.length; i++) {
          tokens[start + i] = sequence[i];
          positions[start + i] = i;
          targets[start + i] = i + 1 < sequence.length ? sequence[i + 1] : NO_TARGET;
        }
        starts[s + 1] = start + sequence.length;
      }
      return new Rows(tokens, positions, starts, targets);
    }

    public int length() {
      return tokens.length;
    }

    /// How many tokens have a target.
    public int targetCount() {
      return (int) Arrays.stream(targets).filter(t -> t != NO_TARGET).count();
    }
  }

  /// A batch with room for `tokens` tokens in `sequences` sequences.
  public static TokenBatch allocate(Backend backend, int tokens, int sequences) {
    Owned owned = new Owned();
    try {
      Tensor count = owned.add(backend.allocate(DType.I32, Shape.of(1)));
      return new TokenBatch(
          owned.add(backend.allocate(DType.I32, Shape.of(tokens))).counted(count),
          owned.add(backend.allocate(DType.I32, Shape.of(tokens))).counted(count),
          owned.add(backend.allocate(DType.I32, Shape.of(sequences + 1L))),
          owned.add(backend.allocate(DType.I32, Shape.of(tokens))).counted(count),
          count,
          Optional.empty());
    } catch (RuntimeException | Error e) {
      owned.closeAfter(e);
      throw e;
    }
  }

  /// A batch that is just large enough for `rows`, and holds them.
  public static TokenBatch of(Backend backend, Rows rows) {
    TokenBatch batch = allocate(backend, rows.length(), rows.starts().length - 1);
    batch.load(backend, rows);
    return batch;
  }

  /// The same tokens, reading and writing a key/value cache.
  public TokenBatch with(KvPages cache) {
    return new TokenBatch(tokens, positions, sequences, targets, count, Optional.of(cache));
  }

  /// Replaces the content.
  ///
  /// @throws IllegalArgumentException if `rows` is over the capacity
  public void load(Backend backend, Rows rows) {
    if (rows.length() > tokens.rows() || rows.starts().length > sequences.rows()) {
      throw new IllegalArgumentException(
          "%d tokens in %d sequences do not fit a batch of %d and %d"
              .formatted(
                  rows.length(), rows.starts().length - 1, tokens.rows(), sequences.rows() - 1));
    }
    int length = rows.length();
    backend.upload(rows.tokens(), tokens.rows(0, length));
    backend.upload(rows.positions(), positions.rows(0, length));
    backend.upload(rows.targets(), targets.rows(0, length));
    int[] starts = Arrays.copyOf(rows.starts(), (int) sequences.rows());
    Arrays.fill(starts, rows.starts().length, starts.length, length);
    backend.upload(starts, sequences);
    backend.upload(new int[] {length}, count);
  }

  /// Room for tokens.
  public int capacity() {
    return (int) tokens.rows();
  }

  @Override
  public void close() {
    for (Tensor tensor : new Tensor[] {tokens, positions, sequences, targets, count}) {
      tensor.storage().close();
    }
  }
}
