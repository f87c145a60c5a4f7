package dev.yushan.data.prepare;

import dev.yushan.data.ContentHash;
import dev.yushan.data.CorpusTokenizer;
import dev.yushan.data.DataException;
import dev.yushan.data.TokenShards;
import dev.yushan.data.TokenizeConfig;
import dev.yushan.io.HfCache;
import dev.yushan.io.hub.Hub;
import dev.yushan.io.hub.HubException;
import dev.yushan.io.hub.HubRepo;
import dev.yushan.io.hub.ModelFiles;
import dev.yushan.io.hub.RepoType;
import dev.yushan.text.Tokenizers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/// What makes the tokens of a corpus. Which tokenizer it is, is known at once; it is loaded by who
/// needs it first, which takes a second that others need not wait for.
final class CorpusTokens {
  private final CorpusConfig config;
  private final Path directory;
  private final FutureTask<TokenShards> loading = new FutureTask<>(this::read);

  /// @throws DataException if there is no such tokenizer
  CorpusTokens(CorpusConfig config) {
    this.config = config;
    this.directory = directory(config.tokenizer());
    if (!Files.exists(file())) {
      throw new DataException(
          "tokenizer: %s has no tokenizer.json; name the directory of the model's tokenizer, or a model of the hub"
              .formatted(config.tokenizer()));
    }
  }

  /// A directory here, or that of a model of the hub (`org/name`, `hf://org/name@revision`), of
  /// which is downloaded what is not in the cache.
  private static Path directory(String name) {
    boolean address = name.startsWith(HubRepo.SCHEME);
    boolean id = name.contains("/") && HfCache.isId(name) && !Files.exists(Path.of(name));
    if (!address && !id) {
      return Path.of(name);
    }
    try {
      HubRepo repo =
          address
              ? HubRepo.parse(name).repo()
              : new HubRepo(RepoType.MODEL, name, HfCache.DEFAULT_REVISION);
      return Hub.ofEnvironment().download(repo, ModelFiles.TOKENIZER);
    } catch (HubException e) {
      throw new DataException("tokenizer: " + name + ": " + e.getMessage(), e);
    }
  }

  private Path file() {
    return directory.resolve("tokenizer.json");
  }

  /// All that the tokens of a text depend on besides the text.
  String settings() {
    Path names = directory.resolve("tokenizer_config.json"); // of BOS and EOS
    return "tokenizer %s %s; add_bos %s; add_eos %s; split_special_tokens %s"
        .formatted(
            ContentHash.of(file()),
            Files.exists(names) ? ContentHash.of(names) : "",
            config.addBos(),
            config.addEos(),
            config.splitSpecialTokens());
  }

  /// With the tokenizer loaded; waits for it.
  TokenShards get() {
    loading.run();
    try {
      return loading.get();
    } catch (ExecutionException e) {
      throw e.getCause() instanceof RuntimeException cause
          ? cause
          : new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new DataException("the preparation was interrupted; start it again", e);
    }
  }

  private TokenShards read() {
    TokenizeConfig tokenize =
        new TokenizeConfig(
            config.addBos(),
            config.addEos(),
            config.splitSpecialTokens(),
            config.cutoffLen(),
            config.onExcess());
    return new TokenShards(tokenize, CorpusTokenizer.of(Tokenizers.load(directory), file()));
  }
}
