package dev.yushan.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Utf8Test {
  @ParameterizedTest
  @CsvSource({
    // The examples of the Unicode Standard, tables 3-8 to 3-11.
    "C0AFE080BFF08182 41, 8",
    "EDA080EDBFBFEDAF 41, 8",
    "F4919293FF4180BF 42, 7",
    "E180E2F09192F1BF 41, 4",
    // A beginning of a surrogate is two ill-formed parts.
    "EDA0 41, 2",
  })
  void illFormedPartsAreReplacedOneByOne(String hex, int replaced) {
    byte[] bytes = HexFormat.of().parseHex(hex.replace(" ", ""));
    StringBuilder text = new StringBuilder();
    assertThat(Utf8.decode(bytes, true, text)).isEqualTo(bytes.length);
    long count = text.chars().filter(c -> c == '\uFFFD').count();
    assertThat(count).isEqualTo(replaced);
  }

  @Test
  void everyCodePointSurvives() {
    StringBuilder all = new StringBuilder();
    for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
      if (c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE) {
        all.appendCodePoint(c);
      }
    }
    StringBuilder text = new StringBuilder();
    Utf8.decode(all.toString().getBytes(StandardCharsets.UTF_8), true, text);
    assertThat(text.toString().equals(all.toString())).isTrue();
  }

  @Test
  void anUnfinishedCharacterWaits() {
    StringBuilder text = new StringBuilder();
    byte[] bytes = {'a', (byte) 0xE7, (byte) 0x8E};
    assertThat(Utf8.decode(bytes, false, text)).isEqualTo(1);
    assertThat(text).hasToString("a");
  }
}
