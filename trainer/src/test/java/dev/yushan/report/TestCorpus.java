package dev.yushan.report;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/// Reports of corpora that never were, with texts that try to break out of the page.
final class TestCorpus {
  static final String HOSTILE =
      "條文</script><script>document.body.dataset.broken='1'</script>"
          + "<img src=x onerror=\"document.body.dataset.broken='2'\"><!-- &lt; ";

  private static final ObjectMapper JSON = new ObjectMapper();

  private TestCorpus() {}

  /// @param names of sources; the first is trained on, the others in turn held out and trained on
  static ObjectNode report(List<String> names) {
    ObjectNode report = JSON.createObjectNode();
    ObjectNode config = report.putObject("config");
    config.put("output_dir", "/somewhere/out").put("tokenizer", "/models/llama3");
    config.put("cutoff_len", 1100).put("on_excess", "drop").put("temperature", 1.0);
    config.put("threads", 7);
    ArrayNode specs = config.putArray("sources");
    ArrayNode stages = config.putArray("stages");
    stages.addObject().putObject("format").putArray("disable").add("nfc");
    stages.addObject().putObject("pii").put("phone", "redact");
    stages.addObject().putObject("dedup").put("threshold", 0.8);
    List.of("read", "format", "script", "pii", "dedup", "tokens")
        .forEach(report.withArray("steps")::add);
    for (int s = 0; s < names.size(); s++) {
      String role = s % 2 == 0 ? "train" : "eval";
      specs.addObject().put("name", names.get(s)).put("role", role).put("weight", 0.0);
      source(report.withArray("sources").addObject().put("name", names.get(s)).put("role", role));
    }
    duplicates(report.putObject("duplicates"), names.getFirst());
    return report;
  }

  private static void source(ObjectNode source) {
    String name = source.path("name").asText();
    amount(source.putObject("read"), 10_000, 2_000_000, 1_500_000);
    amount(source.putObject("written"), 7_001, 1_234_567, 1_111_111);
    source.put("epochs", 1.5);
    step(source, 10_000, 2_000_000, 10_000, 2_000_000);
    ObjectNode format = step(source, 10_000, 2_000_000, 10_000, 2_000_321);
    format.put("changed", 9_876);
    change(format, name, "他用Java寫\u200B的\u3000\u3000程式\t" + HOSTILE, "他用 Java 寫的程式 " + HOSTILE);
    ObjectNode script = step(source, 10_000, 2_000_321, 9_000, 1_800_000);
    script.withObject("notes").put("traditional", 9_000).put("simplified", 1_000);
    script.withObject("notes").put("mainland_words", 321);
    gone(script, name, "simplified", 1_000, 200_321);
    ObjectNode pii = step(source, 9_000, 1_800_000, 9_000, 1_799_000);
    pii.put("changed", 12);
    pii.withObject("notes").put("phone", 1_213);
    change(pii, name, "電話0912345678。", "電話[電話]。");
    ObjectNode dedup = step(source, 9_000, 1_799_000, 8_001, 1_500_000);
    gone(dedup, name, "near_duplicate", 999, 299_000);
    ObjectNode tokens = step(source, 8_001, 1_500_000, 7_001, 1_234_567);
    gone(tokens, name, "too_long", 1_000, 265_433);
    // the cutoff of 1,100 lies within bin 40: from 1,024 up to 1,218 tokens
    source.putObject("lengths").put("30", 4_000).put("39", 3_000).put("40", 501).put("45", 500);
  }

  private static ObjectNode step(
      ObjectNode source, long in, long inCharacters, long out, long outCharacters) {
    ObjectNode step = source.withArray("steps").addObject();
    amount(step.putObject("in"), in, inCharacters, in * 100);
    amount(step.putObject("out"), out, outCharacters, out * 100);
    step.put("changed", 0);
    step.putObject("removed");
    step.putObject("notes");
    ObjectNode examples = step.putObject("examples");
    examples.putArray("changed");
    examples.putObject("removed");
    return step;
  }

  private static void amount(ObjectNode amount, long documents, long characters, long tokens) {
    amount.put("documents", documents).put("characters", characters).put("tokens", tokens);
  }

  private static void change(ObjectNode step, String source, String before, String after) {
    ObjectNode example = (ObjectNode) step.at("/examples");
    example
        .withArray("changed")
        .addObject()
        .put("source", source)
        .put("id", "f.txt#1")
        .put("before", before)
        .put("after", after);
  }

  private static void gone(
      ObjectNode step, String source, String reason, long documents, long characters) {
    amount(step.withObject("removed").putObject(reason), documents, characters, documents * 100);
    ((ObjectNode) step.at("/examples/removed"))
        .putArray(reason)
        .addObject()
        .put("source", source)
        .put("id", "f.txt#2")
        .put("text", HOSTILE)
        .put("detail", "<b>detail</b>");
  }

  private static void duplicates(ObjectNode duplicates, String source) {
    duplicates.putObject("counts").put("documents", 9_000).put("exact", 1).put("near", 999);
    ObjectNode cluster = duplicates.putArray("clusters").addObject().put("size", 5);
    cluster.putObject("kept").put("source", source).put("id", "f.txt#3").put("text", HOSTILE);
    ArrayNode removed = cluster.putArray("removed");
    member(removed.addObject(), source, HOSTILE + "乙", 0.8125, false);
    member(removed.addObject(), source, HOSTILE, 1, true);
  }

  private static void member(
      ObjectNode member, String source, String text, double jaccard, boolean exact) {
    member.put("source", source).put("id", "f.txt#4").put("text", text);
    member.put("jaccard", jaccard).put("exact", exact);
  }
}
