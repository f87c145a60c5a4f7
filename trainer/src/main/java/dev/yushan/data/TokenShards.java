package dev.yushan.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;

/// Makes the shards of tokenised documents that training looks for in its cache, for whoever has
/// the documents in hand before the file is written that holds them.
public final class TokenShards {
  private final TokenizeConfig config;
  private final DocumentEncoder encoder;

  public TokenShards(TokenizeConfig config, CorpusTokenizer tokenizer) {
    this.config = config;
    this.encoder = new DocumentEncoder(config, tokenizer);
  }

  /// All that the tokens of a text depend on besides the text.
  public String settings() {
    return encoder.textSettings();
  }

  /// The tokens of a document with this text, BOS and EOS included.
  public int count(String text) {
    return encoder.encode(text).length();
  }

  /// Documents that come to be one shard.
  public final class Draft {
    private final ShardBuilder documents = new ShardBuilder();

    /// Adds the document with this text unless it is longer than `cutoff_len`; returns its tokens.
    public int add(String text) {
      DocumentEncoder.Encoded encoded = encoder.encode(text);
      if (encoded.length() <= config.cutoffLen()) {
        encoded.addTo(documents, documents.documents() + 1L);
      }
      return encoded.length();
    }

    /// Writes the file. It is not yet found by training: see [TokenShards#publish].
    ///
    /// @param key of all that its documents depend on
    public void write(Path path, String key) {
      ShardWriter.write(
          path, documents, new ShardInfo(key, 0, documents.counts(), documents.bad()));
    }
  }

  /// Whether the file is there and whole, and the draft of `key`.
  public static boolean isDraft(Path path, String key) {
    try (Arena arena = Arena.ofConfined()) {
      Shard.open(path, key, 0, arena);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  /// The tokens of each document of a draft, in order.
  public static int[] lengths(Path path, String key) {
    try (Arena arena = Arena.ofConfined()) {
      Shard shard = Shard.open(path, key, 0, arena);
      return IntStream.range(0, shard.documents())
          .map(d -> (int) (shard.offset(d + 1) - shard.offset(d)))
          .toArray();
    } catch (IOException e) {
      throw new UncheckedIOException(path + " cannot be read; remove it and start again", e);
    }
  }

  /// Writes the shards of a data file whose records are the documents of `drafts`, in order, below
  /// `cache`, so that training with these settings finds the file tokenised.
  ///
  /// @param keys those of the drafts
  /// @return by what [#arePublished] and [#directory] know them
  public String publish(Path cache, SourceFile file, List<Path> drafts, List<String> keys) {
    String settings = TokenCache.settings(encoder, file, CacheConfig.SHARD_BYTES);
    UnitDirectory directory =
        UnitDirectory.of(cache, TokenCache.key(settings, List.of(ContentHash.of(file.path()))));
    try (Arena arena = Arena.ofConfined()) {
      Files.createDirectories(directory.path());
      long position = 0;
      for (int i = 0; i < drafts.size(); i++) {
        Shard draft = Shard.open(drafts.get(i), keys.get(i), 0, arena);
        ShardBuilder shard = new ShardBuilder();
        shard.addAll(draft, position);
        position += draft.documents();
        ShardWriter.write(
            directory.shard(i),
            shard,
            new ShardInfo(directory.key(), i, shard.counts(), shard.bad()));
      }
      // its name alone: the directory may be elsewhere tomorrow
      directory.finish(drafts.size(), settings, file.path().getFileName());
      return directory.key();
    } catch (IOException e) {
      throw new UncheckedIOException(cache + " cannot be written; free some space", e);
    }
  }

  /// Whether all shards that were published under `key` are there and whole.
  public static boolean arePublished(Path cache, String key) {
    if (key.length() < 32) {
      return false;
    }
    UnitDirectory directory = UnitDirectory.of(cache, key);
    try (Arena arena = Arena.ofConfined()) {
      int shards = directory.finishedShards().orElse(-1);
      for (int i = 0; i < shards; i++) {
        Shard.open(directory.shard(i), key, i, arena);
      }
      return shards >= 0;
    } catch (IOException e) {
      return false;
    }
  }

  /// Where the shards that were published under `key` lie.
  public static Path directory(Path cache, String key) {
    return UnitDirectory.of(cache, key).path();
  }
}
