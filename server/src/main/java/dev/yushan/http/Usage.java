package dev.yushan.http;

import com.fasterxml.jackson.databind.node.ObjectNode;

/// Token counts of a request, each prompt counted once however many texts follow it.
record Usage(int promptTokens, int outputTokens, int cachedTokens) {
  ObjectNode json() {
    ObjectNode usage =
        Json.object()
            .put("prompt_tokens", promptTokens)
            .put("total_tokens", promptTokens + outputTokens)
            .put("completion_tokens", outputTokens);
    usage.putObject("prompt_tokens_details").put("cached_tokens", cachedTokens);
    return usage;
  }
}
