package dev.yushan.data.hygiene;

import static org.assertj.core.api.Assertions.assertThat;

import dev.yushan.data.Laws;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class PiiTest {
  private static final PiiConfig ALL = PiiConfig.all(PiiAction.REDACT);

  private static List<String> found(String text) {
    return in(Pii.find(text, ALL), text);
  }

  private static List<String> in(List<PiiSpan> spans, String text) {
    return spans.stream().map(s -> s.kind() + " " + s.in(text)).toList();
  }

  /// Numbers that the rules' authors give as examples, or that are published as test numbers.
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "身分證A123456789。|NATIONAL_ID A123456789",
        "居留證 A800000014|RESIDENT_ID A800000014",
        "統一編號：04595257|COMPANY_NUMBER 04595257",
        "請洽(02)2345-6789轉123|PHONE (02)2345-6789轉123",
        "Tel.02-23456789|PHONE 02-23456789",
        "電話0223456789|PHONE 0223456789",
        "手機:0912345678,|PHONE 0912345678",
        "+886 2 2345 6789|PHONE +886 2 2345 6789",
        "(+886) 912-345-678|PHONE (+886) 912-345-678",
        "(049)222-1234|PHONE (049)222-1234",
        "(082)32-1234|PHONE (082)32-1234",
        "mailto:a.b@mail.example.com.tw.|EMAIL a.b@mail.example.com.tw",
        "0912345678@example.com|EMAIL 0912345678@example.com",
        "主機8.8.8.8:53|IP_ADDRESS 8.8.8.8",
        "2001:4860:4860::8888|IP_ADDRESS 2001:4860:4860::8888",
        "4111 1111 1111 1111|CARD_NUMBER 4111 1111 1111 1111",
        "3782-822463-10005|CARD_NUMBER 3782-822463-10005",
      })
  void finds(String text, String expected) {
    assertThat(found(text)).containsExactly(expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "A123456788",
        "AA123456789",
        "A1234567890",
        "04595257",
        "0223456789",
        "編號00912345678",
        "0912-345-6789",
        "2024-10-11",
        "字第0900456123號",
        "版本 8.8.8.8",
        "192.168.1.1 與 10.0.0.1",
        "8.8.8.8.8",
        "1.2.1.3 總則",
        "12:30:45",
        "fe80::1",
        "4111 1111 1111 1112",
        "1234567890123456",
        "logo@2x.png",
        "user@localhost",
        "@Override",
        "90年度台上字第0912號",
      })
  void leavesAlone(String text) {
    assertThat(found(text)).isEmpty();
  }

  @Test
  void settingsWidenTheSearch() {
    PiiConfig wide =
        new PiiConfig(
            PiiAction.OFF,
            PiiAction.OFF,
            PiiAction.REPORT,
            PiiAction.OFF,
            PiiAction.OFF,
            PiiAction.DROP,
            PiiAction.OFF,
            false,
            true,
            PlaceholderStyle.CHINESE);
    String text = "04595257 A123456789 192.168.1.1 0912345678";
    List<PiiSpan> spans = Pii.find(text, wide);
    assertThat(spans)
        .extracting(PiiSpan::kind)
        .containsExactly(PiiKind.COMPANY_NUMBER, PiiKind.IP_ADDRESS);
    assertThat(Pii.drops(spans, wide)).isTrue();
    assertThat(Pii.drops(spans, ALL)).isFalse();
    assertThat(Pii.redact(text, spans, wide)).isEqualTo(text);
  }

  @Test
  void redacts() {
    String text = "王先生A123456789，0912-345-678、a@b.com，統編04595257";
    PiiConfig config = PiiConfig.DEFAULTS;
    assertThat(Pii.redact(text, Pii.find(text, config), config))
        .isEqualTo("王先生[身分證字號]，[電話]、[電子郵件]，統編04595257");
    assertThat(PiiKind.PHONE.placeholder(PlaceholderStyle.ENGLISH)).isEqualTo("[PHONE]");
  }

  @Test
  void allThatIsPlantedIsFoundAndNothingElse() {
    int planted = 0;
    int hits = 0;
    int found = 0;
    for (long seed = 1; seed <= 200; seed++) {
      PlantedPii.Planted text = new PlantedPii(seed).text(30);
      List<PiiSpan> spans = Pii.find(text.text(), ALL);
      Set<PiiSpan> both = new HashSet<>(spans);
      both.retainAll(text.spans());
      planted += text.spans().size();
      hits += both.size();
      found += spans.size();
      assertThat(in(spans, text.text()))
          .as("seed %d: %s", seed, text.text())
          .containsExactlyElementsOf(in(text.spans(), text.text()));
    }
    System.out.printf(
        "%d planted, recall %.4f, precision %.4f%n",
        planted, (double) hits / planted, (double) hits / found);
    assertThat(hits).isEqualTo(planted).isEqualTo(found).isGreaterThan(2500);
  }

  @Test
  void nearMissesAreNotFound() {
    PlantedPii planted = new PlantedPii(5);
    for (int i = 0; i < 2000; i++) {
      String text = "前" + planted.nearMiss() + "後";
      assertThat(found(text)).as(text).isEmpty();
    }
  }

  /// Pieces of everything, joined at random: what is left after redaction has nothing to redact.
  @ParameterizedTest
  @EnumSource(PlaceholderStyle.class)
  void redactingAgainChangesNothing(PlaceholderStyle style) {
    PiiConfig config =
        new PiiConfig(
            PiiAction.REDACT,
            PiiAction.REDACT,
            PiiAction.REDACT,
            PiiAction.REDACT,
            PiiAction.REDACT,
            PiiAction.REDACT,
            PiiAction.REDACT,
            true,
            false,
            style);
    for (long seed = 1; seed <= 1500; seed++) {
      String text = jumble(seed);
      List<PiiSpan> spans = Pii.find(text, config);
      for (int i = 1; i < spans.size(); i++) {
        assertThat(spans.get(i).start()).isGreaterThanOrEqualTo(spans.get(i - 1).end());
      }
      String once = Pii.redact(text, spans, config);
      String twice = Pii.redact(once, Pii.find(once, config), config);
      assertThat(twice).as("seed %d: %s", seed, text).isEqualTo(once);
    }
  }

  private static String jumble(long seed) {
    Random random = new Random(seed);
    PlantedPii planted = new PlantedPii(seed);
    String[] joins = {
      "", "", "-", ".", "@", ":", " ", "(", ")", "+", "a", "1", "統編", "電話", "::", "]"
    };
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 8; i++) {
      PiiKind kind = PiiKind.values()[random.nextInt(PiiKind.values().length)];
      text.append(random.nextInt(4) == 0 ? planted.nearMiss() : planted.value(kind));
      text.append(joins[random.nextInt(joins.length)]);
    }
    return text.toString();
  }

  @Test
  void lawsHaveNone() {
    for (String law : Laws.few()) {
      assertThat(found(law)).as(law.substring(0, 10)).isEmpty();
    }
    for (String law : Laws.english()) {
      assertThat(found(law)).as(law.substring(0, 10)).isEmpty();
    }
  }
}
