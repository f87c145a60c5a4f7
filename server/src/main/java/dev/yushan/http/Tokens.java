package dev.yushan.http;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.text.Tokenizer;
import dev.yushan.text.Tokenizer.Specials;
import java.util.stream.IntStream;

/// `/tokenize` and `/detokenize`.
final class Tokens {
  private Tokens() {}

  static ObjectNode tokenize(Body body, Served served) {
    served.reader().requireModel(body);
    boolean chat = body.has("messages");
    if (chat == body.has("prompt")) {
      throw ApiException.badRequest("prompt", "one of `prompt` and `messages` is needed");
    }
    String text =
        chat ? ChatPrompt.render(body, served.model()) : body.text("prompt").orElseThrow();
    Texts.requireWhole(chat ? "messages" : "prompt", text);
    Tokenizer tokenizer = served.model().tokenizer();
    int[] ids =
        body.flag("add_special_tokens", !chat)
            ? tokenizer.encodeWithTemplate(text, Specials.PARSE)
            : tokenizer.encode(text, Specials.PARSE);
    ObjectNode answer =
        Json.object()
            .put("count", ids.length)
            .put("max_model_len", served.model().engine().config().maxModelLen());
    answer.putPOJO("tokens", ids); // not as nodes: of a long text they would be many
    answer.putNull("token_strs");
    if (body.flag("return_token_strs", false)) {
      Logprobs names = new Logprobs(tokenizer, false);
      answer.putPOJO("token_strs", IntStream.of(ids).mapToObj(names::text).iterator());
    }
    return answer;
  }

  static ObjectNode detokenize(Body body, Served served) {
    served.reader().requireModel(body);
    body.require("tokens");
    Tokenizer tokenizer = served.model().tokenizer();
    int[] ids = body.ids("tokens").stream().mapToInt(Integer::intValue).toArray();
    for (int id : ids) {
      if (id >= tokenizer.vocabSize()) {
        throw ApiException.badRequest(
            "tokens",
            "the token id %d is out of the vocabulary (0 to %d)",
            id,
            tokenizer.vocabSize() - 1);
      }
    }
    return Json.object().put("prompt", tokenizer.decode(ids, false));
  }
}
