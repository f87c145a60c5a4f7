package dev.yushan.data.hygiene;

import static org.assertj.core.api.Assertions.assertThat;

import com.github.houbb.opencc4j.util.ZhConverterUtil;
import dev.yushan.data.Laws;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class MainlandWordsTest {
  @Test
  void countsInBothScripts() {
    WordCounts traditional = MainlandWords.count("這個軟件的視頻，用鼠標打開軟件", false);
    assertThat(traditional.words()).isEqualTo(Map.of("軟件", 2, "視頻", 1, "鼠標", 1));
    assertThat(traditional.total()).isEqualTo(4);
    assertThat(MainlandWords.count("这个软件的视频，用鼠标打开软件", false).total()).isEqualTo(4);
    assertThat(MainlandWords.count("這個軟體的影片，用滑鼠打開軟體", false).total()).isZero();
  }

  @Test
  void theLongestWordCountsAndTaiwansOwnNever() {
    assertThat(MainlandWords.count("人工智能", true).words()).containsOnlyKeys("人工智能");
    assertThat(MainlandWords.count("電視頻道、指數組成、納米比亞", true).total()).isZero();
    assertThat(MainlandWords.count("物體的質量", false).total()).isZero();
    assertThat(MainlandWords.count("物體的質量", true).words()).containsOnlyKeys("質量");
    assertThat(MainlandWords.taiwanWord("内存")).contains("記憶體");
    assertThat(MainlandWords.taiwanWord("記憶體")).isEmpty();
  }

  @Test
  void aThousandHanCharacters() {
    String text = "軟件" + "中".repeat(998);
    ScriptProfile profile = ScriptDetector.profile(text, ScriptConfig.DEFAULTS);
    assertThat(MainlandWords.count(text, false).perThousand(profile)).isEqualTo(1.0);
  }

  @Test
  void theTableHoldsTogether() {
    List<String[]> rows = MainlandWords.rows();
    Set<String> seen = new HashSet<>();
    Map<String, Integer> kinds = new TreeMap<>();
    for (String[] row : rows) {
      assertThat(row).hasSize(4);
      assertThat(seen.add(row[0])).as(row[0]).isTrue();
      assertThat(row[1]).isEqualTo(ZhConverterUtil.toSimple(row[0]));
      assertThat(row[2].equals(row[0])).isEqualTo(row[3].equals("taiwan"));
      kinds.merge(row[3], 1, Integer::sum);
    }
    assertThat(kinds.keySet()).containsExactlyInAnyOrder("mainland", "ambiguous", "taiwan");
    assertThat(kinds.get("mainland")).isGreaterThanOrEqualTo(150);
  }

  @Test
  void lawsHaveAlmostNone() {
    int total = 0;
    int han = 0;
    for (String law : Laws.few()) {
      total += MainlandWords.count(law, false).total();
      han += ScriptDetector.profile(law, ScriptConfig.DEFAULTS).han();
    }
    assertThat(1e6 * total / han).as("a million characters").isLessThan(5);
  }
}
