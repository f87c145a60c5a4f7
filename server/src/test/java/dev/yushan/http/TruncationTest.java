package dev.yushan.http;

import static dev.yushan.http.ServiceFixture.CONTEXT;
import static dev.yushan.http.ServiceFixture.TEXT;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.text.Tokenizer.Specials;
import java.util.Collections;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Prompts that are cut to fit.
@Timeout(120)
class TruncationTest {
  private static final String PATH = "/v1/completions";
  private static ServiceFixture fixture;

  @BeforeAll
  static void start() {
    fixture = ServiceFixture.start();
  }

  @AfterAll
  static void stop() {
    fixture.close();
  }

  @Test
  void promptsAreTruncatedAtTheChosenSide() {
    String body =
        "{'prompt':[5,6,7,8,9],'max_tokens':1,'return_token_ids':true,'truncate_prompt_tokens':2%s}";
    assertThat(
            ServiceFixture.ids(
                fixture.ok(PATH, body.formatted("")).at("/choices/0/prompt_token_ids")))
        .containsExactly(8, 9);
    assertThat(
            ServiceFixture.ids(
                fixture
                    .ok(PATH, body.formatted(",'truncation_side':'right'"))
                    .at("/choices/0/prompt_token_ids")))
        .containsExactly(5, 6);
    String all =
        "{'prompt':%s,'max_tokens':4,'return_token_ids':true,'truncate_prompt_tokens':-1}"
            .formatted(Collections.nCopies(CONTEXT, 5));
    assertThat(fixture.ok(PATH, all).at("/choices/0/prompt_token_ids")).hasSize(CONTEXT - 4);
    String echoed =
        "{'prompt':'abcdef','add_special_tokens':false,'max_tokens':0,'echo':true,'truncate_prompt_tokens':2}";
    JsonNode cut = fixture.ok(PATH, echoed);
    assertThat(cut.at("/usage/prompt_tokens").asInt()).isEqualTo(2);
    assertThat("abcdef").endsWith(cut.at("/choices/0/text").asText());
    assertThat(cut.at("/choices/0/text").asText()).isNotEqualTo("abcdef");
  }

  /// What the tokenizer puts around a text is not cut off, and no part of the text that is echoed.
  @Test
  void aTextThatIsTruncatedKeepsItsBos() {
    int[] all = fixture.tokenizer.encodeWithTemplate("abc" + TEXT, Specials.PARSE);
    int bos = fixture.tokenizer.bosId().orElseThrow();
    String body =
        "{'prompt':'abc%s','max_tokens':0,'echo':true,'return_token_ids':true,'truncate_prompt_tokens':%d%s}";
    JsonNode left = fixture.ok(PATH, body.formatted(TEXT, 3, "")).at("/choices/0");
    assertThat(ServiceFixture.ids(left.path("prompt_token_ids")))
        .containsExactly(bos, all[all.length - 2], all[all.length - 1]);
    assertThat(left.path("text").asText())
        .isNotEmpty()
        .isEqualTo(
            fixture.tokenizer.decode(new int[] {all[all.length - 2], all[all.length - 1]}, false));
    JsonNode right =
        fixture.ok(PATH, body.formatted(TEXT, 3, ",'truncation_side':'right'")).at("/choices/0");
    assertThat(ServiceFixture.ids(right.path("prompt_token_ids")))
        .containsExactly(bos, all[1], all[2]);
    assertThat(right.path("text").asText()).isEqualTo("ab");
  }
}
