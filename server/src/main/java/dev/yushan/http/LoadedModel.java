package dev.yushan.http;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.engine.Engine;
import dev.yushan.text.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/// A model that is ready to answer.
///
/// @param root where it came from, for `/v1/models`
/// @param samplingDefaults the object of `generation_config.json`, or an empty one: what requests
///   leave out
/// @param chatFormat none for a base model
/// @param structured what makes constraints; none refuses requests that ask for one
/// @param closeAction frees engine, model and backend
public record LoadedModel(
    Engine engine,
    Tokenizer tokenizer,
    String root,
    JsonNode samplingDefaults,
    Optional<ChatFormat> chatFormat,
    Optional<StructuredOutput> structured,
    Runnable closeAction)
    implements AutoCloseable {

  /// Refuses sampling defaults with which every request would be refused that does not say
  /// otherwise: for before the weights are loaded.
  ///
  /// @throws IllegalArgumentException naming the key
  public static void requireUsable(JsonNode samplingDefaults, Tokenizer tokenizer) {
    try {
      Body empty = Body.parse("{}".getBytes(StandardCharsets.UTF_8), List.of());
      new SamplingFields(empty, samplingDefaults, tokenizer).params(1, 0, 0);
    } catch (ApiException e) {
      throw new IllegalArgumentException(
          "generation_config.json: %s; mend it, or start with --generation-config vllm"
              .formatted(e.getMessage()),
          e);
    }
  }

  @Override
  public void close() {
    closeAction.run();
  }
}
