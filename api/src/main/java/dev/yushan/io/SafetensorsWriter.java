package dev.yushan.io;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/// Writes safetensors files: single ones, and the weights of a model directory in one file or
/// several with an index. The bytes are those that the Python libraries would write for the same
/// tensors.
///
/// Tensors are streamed through one buffer of 4 MiB. Files appear under their names when they are
/// complete and on the disk; until then the previous ones stay.
public final class SafetensorsWriter {
  /// A tensor to write.
  ///
  /// @param header its name, type and dimensions
  /// @param source supplies its bytes
  public record Entry(TensorHeader header, TensorSource source) {}

  /// What `transformers` puts into the files it writes, and asks of those it reads.
  public static final Map<String, String> PT_FORMAT = Map.of("format", "pt");

  /// The name of a model's weights in one file.
  public static final String SINGLE_FILE = "model.safetensors";

  /// The name of the index of a model's weights in several files.
  public static final String INDEX_FILE = "model.safetensors.index.json";

  private static final int BUFFER_BYTES = 4 << 20;

  private SafetensorsWriter() {}

  /// Writes or replaces `file`. Throws [IllegalArgumentException] if two tensors have one name.
  public static void write(Path file, List<Entry> tensors, Map<String, String> metadata) {
    Path target = file.toAbsolutePath();
    checkNames(tensors);
    checkSpace(target.getParent(), tensors);
    DurableFiles.write(target, channel -> writeTo(channel, tensors, metadata));
  }

  /// Writes the weights of a model into `directory`, replacing those in it: one file
  /// `model.safetensors` if all tensors fit into `maxShardBytes`, else
  /// `model-0000i-of-0000N.safetensors` and `model.safetensors.index.json`.
  ///
  /// Tensors go to the shards in the order given, as many to each as fit; one that is larger than
  /// `maxShardBytes` gets a shard of its own. Nothing old is touched before all new files are on
  /// the disk. One file then takes the place of what was there at once. Of several, the index goes
  /// first and comes last: a crash between leaves the former one file, or a directory that is
  /// refused for want of weights, never a mixture. To replace a whole directory at once use
  /// [DurableFiles#writeDirectory].
  ///
  /// Returns the names of the files with tensors.
  public static List<String> writeModel(Path directory, List<Entry> tensors, long maxShardBytes) {
    Path home = directory.toAbsolutePath();
    checkNames(tensors);
    checkSpace(home, tensors);
    Map<String, List<Entry>> shards = Shards.assign(tensors, maxShardBytes);
    List<FileDraft> drafts = new ArrayList<>();
    try {
      for (Map.Entry<String, List<Entry>> shard : shards.entrySet()) {
        FileDraft draft = FileDraft.of(home.resolve(shard.getKey()));
        drafts.add(draft);
        writeTo(draft.channel(), shard.getValue(), PT_FORMAT);
        draft.seal();
      }
      if (shards.containsKey(SINGLE_FILE)) {
        drafts.getFirst().commit();
        removeOtherWeights(home, Set.of(SINGLE_FILE));
      } else {
        FileDraft index = FileDraft.of(home.resolve(INDEX_FILE));
        drafts.add(index);
        DurableFiles.writeFully(index.channel(), UTF_8.encode(Shards.index(shards)));
        index.seal();
        replaceByShards(home, shards.keySet(), drafts);
      }
      DurableFiles.sync(home);
    } catch (IOException | RuntimeException e) {
      throw DurableFiles.failed("write the model to", home, e);
    } finally {
      drafts.forEach(SafetensorsWriter::closeQuietly);
    }
    return List.copyOf(shards.keySet());
  }

  /// Puts sealed shards, with their index as the last, in the place of all other weights. From the
  /// first deletion on the drafts may be all there is: they stay if they cannot be renamed.
  private static void replaceByShards(Path home, Set<String> shards, List<FileDraft> drafts)
      throws IOException {
    // not by the targets of the drafts: where a name is a link, its target has another
    Set<String> names = new HashSet<>(shards);
    names.add(INDEX_FILE);
    try {
      Files.deleteIfExists(drafts.getLast().target());
      for (FileDraft shard : drafts.subList(0, drafts.size() - 1)) {
        shard.commit();
      }
      removeOtherWeights(home, names);
      drafts.getLast().commit();
    } catch (IOException e) {
      List<String> left =
          drafts.stream()
              .flatMap(d -> d.keep().stream())
              .map(p -> p.getFileName().toString())
              .toList();
      throw new IOException(
          "%s; the new weights are whole, but these files lack their names: %s; before anything else is written there, rename each to what stands between its first dot and the 16 digits"
              .formatted(e, left),
          e);
    }
  }

  private static void writeTo(
      FileChannel channel, List<Entry> tensors, Map<String, String> metadata) throws IOException {
    List<Entry> ordered = new ArrayList<>(tensors);
    ordered.sort(
        Comparator.comparing((Entry entry) -> entry.header().type())
            .reversed()
            .thenComparing(entry -> entry.header().name(), Utf8Order.COMPARATOR));
    List<TensorHeader> headers = ordered.stream().map(Entry::header).toList();
    SafetensorsHeader header = SafetensorsHeader.layOut(headers, new TreeMap<>(metadata));
    DurableFiles.writeFully(channel, header.encode());
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(BUFFER_BYTES, 64);
      for (Entry entry : ordered) {
        stream(entry, buffer, channel);
      }
    }
  }

  private static void stream(Entry entry, MemorySegment buffer, FileChannel channel)
      throws IOException {
    long bytes = entry.header().bytes();
    long row = entry.header().shape().rowLength() * entry.header().type().bytes();
    for (long offset = 0; offset < bytes; ) {
      long length = pieceBytes(offset, row, bytes, buffer.byteSize());
      MemorySegment piece = buffer.asSlice(0, length);
      entry.source().fill(offset, piece);
      DurableFiles.writeFully(channel, piece.asByteBuffer());
      offset += length;
    }
  }

  /// Whole rows if one fits, else no further than the end of the row.
  private static long pieceBytes(long offset, long row, long bytes, long limit) {
    return row <= limit
        ? Math.min(limit / row * row, bytes - offset)
        : Math.min(limit, row - offset % row);
  }

  private static void checkNames(List<Entry> tensors) {
    Set<String> names = new HashSet<>();
    for (Entry entry : tensors) {
      String name = entry.header().name();
      if (name.equals("__metadata__") || !names.add(name)) {
        throw new IllegalArgumentException(
            "tensor %s: a name that is taken; rename one of the two".formatted(name));
      }
    }
  }

  private static void checkSpace(Path directory, List<Entry> tensors) {
    long needed = tensors.stream().mapToLong(entry -> entry.header().bytes()).sum();
    try {
      long free = Files.getFileStore(directory).getUsableSpace();
      // Some network file systems say 0 for "unknown"; writing will tell there.
      if (free > 0 && free < needed) {
        throw new IOException(
            "the weights take %d bytes but only %d are free; free some space or choose another"
                    .formatted(needed, free)
                + " directory");
      }
    } catch (IOException e) {
      throw DurableFiles.failed("write weights to", directory, e);
    }
  }

  /// Deletes the weights of a model in `directory`: the files that [#writeModel] may write.
  public static void deleteModel(Path directory) {
    try {
      removeOtherWeights(directory, Set.of());
    } catch (IOException e) {
      throw DurableFiles.failed("delete weights in", directory, e);
    }
  }

  /// The index goes first: shards without one are no weights.
  private static void removeOtherWeights(Path directory, Set<String> kept) throws IOException {
    if (!kept.contains(INDEX_FILE)) {
      Files.deleteIfExists(directory.resolve(INDEX_FILE));
    }
    try (var files = Files.newDirectoryStream(directory, "model*.safetensors")) {
      for (Path file : files) {
        String name = file.getFileName().toString();
        if (!kept.contains(name) && (name.equals(SINGLE_FILE) || Shards.isShard(name))) {
          Files.delete(file);
        }
      }
    }
  }

  private static void closeQuietly(FileDraft draft) {
    try {
      draft.close();
    } catch (IOException e) {
      // The write has succeeded, or failed for a reason that is being reported.
    }
  }
}
