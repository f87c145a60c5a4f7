package dev.yushan.http;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.engine.TokenScore;
import dev.yushan.text.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// Log probabilities as the two protocols write them.
///
/// @param asIds writes `token_id:N` for tokens
record Logprobs(Tokenizer tokenizer, boolean asIds) {
  /// JSON has no infinity: what vLLM writes for it.
  private static final double LEAST = -9999;

  /// For completions.
  ///
  /// @param firstUnknown whether the first token has no score: it begins a prompt
  /// @param count of the most probable tokens
  /// @param offset of the first token, in characters
  ObjectNode completion(List<TokenScore> scores, boolean firstUnknown, int count, int offset) {
    ObjectNode node = Json.object();
    ArrayNode offsets = node.putArray("text_offset");
    ArrayNode values = node.putArray("token_logprobs");
    ArrayNode tokens = node.putArray("tokens");
    ArrayNode tops = node.putArray("top_logprobs");
    int at = offset;
    for (TokenScore score : scores) {
      offsets.add(at);
      tokens.add(token(score.id()));
      at += Texts.length(text(score.id()));
      if (firstUnknown && tokens.size() == 1) {
        values.addNull();
        tops.addNull();
      } else {
        values.add(finite(score));
        ObjectNode top = tops.addObject();
        // tokens that are no whole characters have the same text: the likeliest stands for them
        for (TokenScore one : shown(score, count)) {
          double least = top.path(token(one.id())).asDouble(LEAST);
          top.put(token(one.id()), Math.max(least, finite(one)));
        }
      }
    }
    return node;
  }

  /// For chats.
  ObjectNode chat(List<TokenScore> scores, int count) {
    ObjectNode node = Json.object();
    ArrayNode content = node.putArray("content");
    for (TokenScore score : scores) {
      ArrayNode top =
          content.add(chatToken(score)).get(content.size() - 1).withArray("top_logprobs");
      most(score, count).forEach(one -> top.add(chatToken(one)));
    }
    return node;
  }

  /// For `prompt_logprobs`: nothing for the first token.
  ArrayNode prompt(List<TokenScore> scores, int count) {
    ArrayNode list = Json.array();
    list.addNull();
    for (TokenScore score : scores) {
      ObjectNode byId = list.addObject();
      shown(score, count)
          .forEach(
              one ->
                  byId.putObject(Integer.toString(one.id()))
                      .put("logprob", finite(one))
                      .put("rank", one.rank())
                      .put("decoded_token", text(one.id())));
    }
    return list;
  }

  private ObjectNode chatToken(TokenScore score) {
    ObjectNode node = Json.object().put("token", token(score.id())).put("logprob", finite(score));
    ArrayNode bytes = node.putArray("bytes");
    for (byte b : bytes(score.id())) {
      bytes.add(b & 0xff);
    }
    return node;
  }

  /// The token itself and the most probable ones.
  private static List<TokenScore> shown(TokenScore score, int count) {
    List<TokenScore> shown = new ArrayList<>(List.of(score));
    most(score, count).stream().filter(one -> one.id() != score.id()).forEach(shown::add);
    return shown;
  }

  private static List<TokenScore> most(TokenScore score, int count) {
    return score.top().subList(0, Math.min(count, score.top().size()));
  }

  private static double finite(TokenScore score) {
    return Math.max(LEAST, score.logProbability());
  }

  private String token(int id) {
    return asIds ? "token_id:" + id : text(id);
  }

  /// A model may have more rows than the tokenizer has ids: those have no text.
  private byte[] bytes(int id) {
    return id < tokenizer.vocabSize() ? tokenizer.bytes(id) : new byte[0];
  }

  String text(int id) {
    return new String(bytes(id), StandardCharsets.UTF_8);
  }
}
