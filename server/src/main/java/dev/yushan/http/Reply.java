package dev.yushan.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.engine.Completion;
import dev.yushan.engine.TokenScore;
import dev.yushan.http.Choice.Piece;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// The JSON of answers, whole and in events, to completions and to chats.
///
/// @param created in seconds since 1970
record Reply(GenerationRequest request, Logprobs logprobs, long created) {

  /// The whole answer.
  JsonNode whole(List<Choice> choices, Usage usage) {
    ObjectNode root = head(request.chat() ? "chat.completion" : "text_completion");
    ArrayNode list = root.putArray("choices");
    for (Choice choice : choices) {
      Piece piece = choice.take();
      ObjectNode node = list.addObject().put("index", choice.index());
      if (request.chat()) {
        node.putObject("message").put("role", "assistant").put("content", text(choice, piece));
      } else {
        node.put("text", text(choice, piece));
      }
      node.set("logprobs", scores(choice, piece, 0));
      end(node, piece);
      ids(root, node, choice, piece);
      if (request.promptLogprobs().isPresent()) {
        ObjectNode owner = request.chat() ? root : node;
        owner.set(
            "prompt_logprobs",
            logprobs.prompt(piece.promptScores(), request.promptLogprobs().getAsInt()));
      }
    }
    root.set("usage", usage.json());
    return root;
  }

  /// The event with what came of one choice.
  ///
  /// @param offset characters of its tokens in earlier events
  ObjectNode event(Choice choice, Piece piece, int offset) {
    ObjectNode root = head(request.chat() ? "chat.completion.chunk" : "text_completion");
    ObjectNode node = root.putArray("choices").addObject().put("index", choice.index());
    if (request.chat()) {
      ObjectNode delta = node.putObject("delta");
      if (piece.first()) {
        delta.put("role", "assistant");
      }
      delta.put("content", text(choice, piece));
    } else {
      node.put("text", text(choice, piece));
    }
    node.set("logprobs", scores(choice, piece, offset));
    end(node, piece);
    ids(root, node, choice, piece);
    return root;
  }

  /// The last event, with counts only.
  ObjectNode usageEvent(Usage usage) {
    ObjectNode root = head(request.chat() ? "chat.completion.chunk" : "text_completion");
    root.putArray("choices");
    root.set("usage", usage.json());
    return root;
  }

  /// What the client sees of a piece.
  String text(Choice choice, Piece piece) {
    String before = piece.first() && request.echo() ? choice.prompt().text() : "";
    return before + piece.text();
  }

  private ObjectNode head(String object) {
    return Json.object()
        .put("id", request.id())
        .put("object", object)
        .put("created", created)
        .put("model", request.model());
  }

  private JsonNode scores(Choice choice, Piece piece, int offset) {
    if (request.logprobs().isEmpty()) {
      return Json.object().nullNode();
    }
    int count = request.logprobs().getAsInt();
    if (request.chat()) {
      return logprobs.chat(piece.tokens(), count);
    }
    boolean prompt = piece.first() && request.echo();
    return logprobs.completion(scored(choice, piece), prompt, count, offset);
  }

  private List<TokenScore> scored(Choice choice, Piece piece) {
    List<TokenScore> all = new ArrayList<>();
    if (piece.first() && request.echo()) {
      all.add(new TokenScore(choice.prompt().ids()[0], 0, 1, List.of()));
      all.addAll(piece.promptScores());
    }
    all.addAll(piece.tokens());
    return all;
  }

  /// Characters of the tokens of a piece, special ones and those of the prompt included, as
  /// `text_offset` counts them.
  int length(Choice choice, Piece piece) {
    return scored(choice, piece).stream()
        .mapToInt(score -> Texts.length(logprobs.text(score.id())))
        .sum();
  }

  private static void end(ObjectNode node, Piece piece) {
    node.put("finish_reason", piece.end().map(end -> reason(end.reason())).orElse(null));
    Object stop = piece.end().flatMap(Completion::stop).orElse(null);
    if (stop instanceof Integer id) {
      node.put("stop_reason", id);
    } else {
      node.put("stop_reason", (String) stop);
    }
  }

  /// The word of vLLM.
  static String reason(Completion.Reason reason) {
    return switch (reason) {
      case STOP -> "stop";
      case LENGTH -> "length";
      case CANCELLED -> "abort";
      case FAILED, UNMET -> "error";
    };
  }

  /// The prompt of a chat is that of all its choices, and stands beside them.
  private void ids(ObjectNode root, ObjectNode node, Choice choice, Piece piece) {
    if (request.tokenIds()) {
      Stream<Integer> ids = piece.tokens().stream().map(TokenScore::id);
      ArrayNode list = node.putArray("token_ids");
      ids.forEach(list::add);
      if (piece.first()) {
        ArrayNode prompt = (request.chat() ? root : node).putArray("prompt_token_ids");
        IntStream.of(choice.prompt().ids()).forEach(prompt::add);
      }
    }
  }
}
