package dev.yushan.io;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Sizes as people write them.
class ByteSizeTest {
  @ParameterizedTest
  @CsvSource({
    "17, 17",
    "17 B, 17",
    "2kb, 2000",
    "1.5MB, 1500000",
    "50GB, 50000000000",
    "2KiB, 2048",
    "1.5 MiB, 1572864",
    "4gib, 4294967296"
  })
  void unitsAreOfThousandsOrOf1024(String text, long bytes) {
    assertThat(ByteSize.parse(text)).hasValue(bytes);
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1 B",
    "1023, 1023 B",
    "1024, 1.0 KiB",
    "1048576, 1.0 MiB",
    "1073741824, 1.00 GiB"
  })
  void aSizeIsReadInItsLargestUnit(long bytes, String words) {
    assertThat(ByteSize.words(bytes)).isEqualTo(words);
  }

  @Test
  void otherWordsAreNone() {
    for (String text : new String[] {"", "GiB", "5 T", "5 KiB/s", "-1", "0", "1e99", "NaN"}) {
      assertThat(ByteSize.parse(text)).as(text).isEmpty();
    }
  }
}
