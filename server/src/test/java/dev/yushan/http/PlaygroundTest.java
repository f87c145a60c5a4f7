package dev.yushan.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The page in a real browser.
class PlaygroundTest {
  private static final String CONTINUED = "玉山 <b>\n3952　。";

  @TempDir static Path profile;

  private static Visitor visitor;

  private PlaygroundFixture server;

  @BeforeAll
  static void open() throws IOException {
    visitor = new Visitor(profile);
  }

  @AfterAll
  static void leave() {
    visitor.close();
  }

  @BeforeEach
  void start() throws IOException {
    server = new PlaygroundFixture(visitor);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void nothingIsLoadedFromElsewhere() {
    assertThat(Page.text())
        .contains("default-src 'none'", "connect-src 'self'")
        .doesNotContainPattern("(src|href)=\"(https?:|playground)|@import|url\\(http");
  }

  @Test
  void aTextIsContinuedWithItsAlternatives() throws Exception {
    JsonNode seen = server.seen("await known(); send('High'); await ended(); point()");
    assertThat(seen.get("ended").asText()).isEqualTo("stop");
    assertThat(seen.get("out").asText()).isEqualTo("High" + CONTINUED);
    assertThat(seen.get("tip").asText())
        .contains("玉山", "60.7 %", "other", "13.5 %", "rare", "0.012 %");
    assertThat(seen.get("speed").asText()).startsWith("5 tokens · ").endsWith("ended by the model");
    assertThat(seen.get("heard").asText()).startsWith(CONTINUED).endsWith("ended by the model");
    assertThat(seen.get("error").asText()).isEmpty();
    assertThat(seen.get("running").asText()).isEqualTo("3");
    assertThat(seen.get("kv").asText()).isEqualTo("27 %");
    assertThat(seen.get("kept").asText()).isEqualTo("High");
    assertThat(seen.get("unlabelled")).isEmpty();
    JsonNode request = server.requests.getFirst();
    assertThat(request.get("logprobs").asInt()).isEqualTo(5);
    assertThat(request.get("temperature").asDouble()).isEqualTo(.7);
    assertThat(request.get("max_tokens").asInt()).isEqualTo(256);
    assertThat(request.has("top_k")).isFalse();
  }

  @Test
  void stoppingClosesTheConnection() throws Exception {
    JsonNode seen =
        server.seen(
            "await known(); send('endless'); await tokens(3);"
                + "const during = $('speed').textContent; $('go').click(); await ended();"
                + "return during");
    assertThat(seen.get("told").asText()).as("it has not ended").doesNotContain("ended");
    assertThat(seen.get("ended").asText()).isEqualTo("you");
    assertThat(seen.get("speed").asText()).endsWith("ended by you");
    assertThat(seen.get("out").asText()).startsWith("endless玉山");
    assertThat(seen.get("go").asText()).isEqualTo("Continue");
    assertThat(seen.get("error").asText()).isEmpty();
    server.left.get(20, TimeUnit.SECONDS);
  }

  @Test
  void clearingEndsTheTextThatIsBeingWritten() throws Exception {
    JsonNode seen =
        server.seen(
            "await known(); send('endless'); await tokens(3); $('clear').click(); await ended();"
                + "await pause(200)");
    assertThat(seen.get("out").asText()).startsWith("The continuation").doesNotContain("玉山");
    assertThat(seen.get("prompt").asText()).isEmpty();
    assertThat(seen.get("speed").asText()).isEmpty();
    server.left.get(20, TimeUnit.SECONDS);
  }

  @Test
  void clearingEndsTheAnswerThatIsBeingWrittenAndForgetsIt() throws Exception {
    JsonNode seen =
        server.seen(
            "await known(); $('tabChat').click(); send('endless'); await tokens(3);"
                + "$('clear').click(); await ended(); await pause(200);"
                + "send('Hi'); await ended()");
    assertThat(seen.get("turns").asText()).isEqualTo("Hi" + CONTINUED);
    assertThat(server.requests.getLast().get("messages")).hasSize(1);
  }

  @Test
  void everyTurnOfAConversationIsSent() throws Exception {
    server.seen(
        "await known(); $('tabChat').click();"
            + "send('Hi'); await ended(); send('And?'); await ended()");
    assertThat(server.requests.getLast().get("messages"))
        .isEqualTo(
            ServiceFixture.json(
                """
                [{"role": "user", "content": "Hi"},
                 {"role": "assistant", "content": "玉山 <b>\\n3952　。"},
                 {"role": "user", "content": "And?"}]\
                """));
  }

  @Test
  void whatTheServerRefusesIsShownInItsWords() throws Exception {
    JsonNode seen = server.seen("await known(); send('too long'); await ended()");
    assertThat(seen.get("ended").asText()).isEqualTo("error");
    assertThat(seen.get("error").asText())
        .isEqualTo("The server refused the request: 9 tokens <i>");
    assertThat(seen.get("out").asText()).startsWith("The continuation appears here.");
    JsonNode chat =
        server.seen(
            "await known(); $('tabChat').click(); send('too long'); await ended()", "lang=zh-TW");
    assertThat(chat.get("error").asText()).isEqualTo("伺服器拒絕了請求：9 tokens <i>");
    assertThat(chat.get("turns").asText()).isEmpty();
    assertThat(chat.get("message").asText()).as("to be sent again").isEqualTo("too long");
  }

  @Test
  void aTextThatBreaksOffIsNotTakenForWhole() throws Exception {
    JsonNode seen = server.seen("await known(); send('broken'); await ended()", "lang=zh-TW");
    assertThat(seen.get("error").asText()).isEqualTo("文字尚未結束，連線就中斷了。");
    assertThat(seen.get("out").asText()).isEqualTo("broken玉山 <b>\n");
  }

  @Test
  void whatIsShownIsSaidInTheOtherLanguageAtOnce() throws Exception {
    JsonNode seen =
        server.seen(
            "await known(); send('broken'); await ended(); await until(() =>"
                + " $('state').textContent);$('lang').click()");
    assertThat(seen.get("error").asText()).isEqualTo("文字尚未結束，連線就中斷了。");
    assertThat(seen.get("speed").asText()).startsWith("3 個詞元").endsWith("結束原因：發生錯誤");
    assertThat(seen.get("state").asText()).isEqualTo("就緒");
    assertThat(seen.get("rate").asText()).startsWith("所有請求");
  }

  @Test
  void aConversationOnAPhoneInChinese() throws Exception {
    JsonNode seen =
        server.seen(
            "await known(); $('tabChat').click(); send('Hi'); await ended();"
                + "const small = [...page.querySelectorAll('button, summary, label.check')];"
                + "return Math.min(...small.map(e => e.getBoundingClientRect().height))",
            "width=360px",
            "lang=zh-TW",
            "theme=dark");
    assertThat(seen.get("turns").asText()).isEqualTo("Hi" + CONTINUED);
    assertThat(seen.get("wide").asBoolean()).isFalse();
    assertThat(seen.get("go").asText()).isEqualTo("送出");
    assertThat(seen.get("told").asDouble()).as("for fingers").isGreaterThanOrEqualTo(44);
    assertThat(server.requests.getFirst().at("/messages/0/content").asText()).isEqualTo("Hi");
  }

  @ParameterizedTest
  @CsvSource({
    "'{\"status\": \"loading\", \"done\": 0.319}', en, loading 31 %",
    "'{\"status\": \"draining\", \"progress\": \"ending\"}', en, ending",
    "'{\"status\": \"draining\", \"progress\": \"ending\"}', zh-TW, 正在關閉",
    "'{\"status\": \"failed\", \"progress\": \"failed: no such file\"}', zh-TW, 發生錯誤 · no such"
        + " file",
  })
  void theStateOfTheServerIsShown(String health, String language, String state) throws Exception {
    server.health = health;
    JsonNode seen =
        server.seen(
            "await until(() => $('dot').className.length > 3"
                + " && !$('dot').className.includes('connecting'));"
                + "return $('tabChat').disabled",
            "lang=" + language);
    assertThat(seen.get("state").asText()).isEqualTo(state);
    assertThat(seen.get("running").asText()).isEqualTo("–");
    assertThat(seen.get("told").asBoolean()).as("the model is not known").isTrue();
  }

  @Test
  void ofAServerThatIsGoneNothingIsClaimed() throws Exception {
    JsonNode seen =
        server.seen(
            "await known(); await until(() => $('kv').textContent.includes('27'));await"
                + " view.fetch('/vanish'); await until(() => $('dot').className === 'dot"
                + " gone');send('High'); await ended()",
            "lang=zh-TW");
    assertThat(seen.get("state").asText()).isEqualTo("無法連線");
    assertThat(seen.get("running").asText()).isEqualTo("–");
    assertThat(seen.get("kv").asText()).isEqualTo("–");
    assertThat(seen.get("rate").asText()).contains("–");
    assertThat(seen.get("error").asText()).isEqualTo("伺服器沒有回應，請確認是否已啟動。");
  }

  @Test
  void aVisitorWithoutAKeyIsShownWhereItGoes() throws Exception {
    server.key = Optional.of("key-of-anna");
    JsonNode seen = server.seen("send('High'); await ended()", "lang=zh-TW", "width=360px");
    assertThat(seen.get("error").asText()).isEqualTo("這台伺服器需要 API 金鑰，請填入「API 金鑰」欄位。");
    assertThat(seen.get("focus").asText()).isEqualTo("key");
    JsonNode after =
        server.seen(
            "await until(() => page.activeElement === $('key'));$('key').value = 'key-of-anna';"
                + " $('key').dispatchEvent(new view.Event('change'));await known()");
    assertThat(after.get("error").asText()).isEmpty();
    assertThat(after.get("running").asText()).isEqualTo("3");
  }

  @Test
  void withoutATemplateThereIsNoChat() throws Exception {
    server.hasTemplate = false;
    JsonNode seen = server.seen("await known(); return $('tabChat').disabled");
    assertThat(seen.get("noChat").asText()).isNotEmpty();
    assertThat(seen.get("told").asBoolean()).isTrue();
  }

  @Test
  void theArrowKeysGoFromTabToTab() throws Exception {
    JsonNode seen =
        server.seen(
            "await known(); $('tabText').focus(); press('ArrowRight'); const to ="
                + " page.activeElement.id;const shown = !$('paneChat').hidden &&"
                + " $('paneText').hidden;press('Home'); return [to, shown, $('tabText').tabIndex,"
                + " $('tabChat').tabIndex]");
    assertThat(seen.get("told")).isEqualTo(ServiceFixture.json("[\"tabChat\", true, 0, -1]"));
    assertThat(seen.get("focus").asText()).isEqualTo("tabText");
  }

  @Test
  void theArrowKeysGoFromTokenToToken() throws Exception {
    JsonNode seen =
        server.seen(
            "await known(); send('High'); await ended();const stops ="
                + " page.querySelectorAll(\".t[tabindex='0']\"); stops[0].focus();const first ="
                + " tip(); press('End'); const at = page.activeElement;return [stops.length, first,"
                + " at.textContent, at.getAttribute('aria-describedby'),  at.tabIndex,"
                + " stops[0].tabIndex]");
    JsonNode told = seen.get("told");
    assertThat(told.get(0).asInt()).as("one stop of Tab").isEqualTo(1);
    assertThat(told.get(1).asText()).contains("玉山", "60.7 %");
    assertThat(told.get(2).asText()).isEqualTo("　。");
    assertThat(told.get(3).asText()).isEqualTo("tip");
    assertThat(told.get(4).asInt()).isZero();
    assertThat(told.get(5).asInt()).isEqualTo(-1);
    assertThat(seen.get("tip").asText()).contains("U+3000。");
  }

  @ParameterizedTest
  @ValueSource(strings = {"light", "dark"})
  void fieldsAndWhatIsToBeWrittenInThemCanBeSeen(String theme) throws Exception {
    JsonNode told =
        server
            .seen(
                "const style = (e, part) => view.getComputedStyle(e, part);const card ="
                    + " style($('paneText'));const given = style($('prompt'),"
                    + " '::placeholder');return [contrast(given.color, card.backgroundColor),"
                    + " given.opacity,  contrast(card.borderTopColor, card.backgroundColor), "
                    + " contrast(card.borderTopColor, style(page.documentElement).backgroundColor),"
                    + "  contrast(style($('f_seed')).borderTopColor, card.backgroundColor)]",
                "theme=" + theme)
            .get("told");
    assertThat(told.get(0).asDouble()).as("placeholder").isGreaterThanOrEqualTo(4.5);
    assertThat(told.get(1).asText()).isEqualTo("1");
    for (int edge = 2; edge < told.size(); edge++) {
      assertThat(told.get(edge).asDouble()).as("edge").isGreaterThanOrEqualTo(3);
    }
  }
}
