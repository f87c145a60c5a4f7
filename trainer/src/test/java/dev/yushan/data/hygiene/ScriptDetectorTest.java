package dev.yushan.data.hygiene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.houbb.opencc4j.util.ZhConverterUtil;
import dev.yushan.data.DataException;
import dev.yushan.data.Laws;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class ScriptDetectorTest {
  private static final ScriptConfig CONFIG = ScriptConfig.DEFAULTS;
  private static final String TRADITIONAL = "國家的語言文學與歷史，讓學生從書裡認識這個時代的變遷。";
  private static final String SIMPLIFIED = "国家的语言文学与历史，让学生从书里认识这个时代的变迁。";

  private static Script script(String text) {
    return ScriptDetector.profile(text, CONFIG).script();
  }

  @Test
  void tellsTheScriptsApart() {
    assertThat(script(TRADITIONAL)).isEqualTo(Script.TRADITIONAL);
    assertThat(script(SIMPLIFIED)).isEqualTo(Script.SIMPLIFIED);
    assertThat(script(TRADITIONAL + SIMPLIFIED)).isEqualTo(Script.MIXED);
    assertThat(script("The law of the Republic of China, 1947.")).isEqualTo(Script.UNKNOWN);
    assertThat(script("")).isEqualTo(Script.UNKNOWN);
    assertThat(script("日本国憲法")).isEqualTo(Script.UNKNOWN);
  }

  @Test
  void aStrayCharacterMixesNothing() {
    String text = TRADITIONAL.repeat(10) + "国";
    ScriptProfile profile = ScriptDetector.profile(text, CONFIG);
    assertThat(profile.script()).isEqualTo(Script.TRADITIONAL);
    assertThat(profile.simplified()).isOne();
    assertThat(profile.simplifiedRatio()).isBetween(0.001, 0.02);
  }

  @Test
  void charactersOfBothScriptsCountOnNeitherSide() {
    String both = "台里后干面只云并着群占布佈准注采游松表丑斗了范谷几家姜";
    ScriptProfile profile = ScriptDetector.profile(both, CONFIG);
    assertThat(both.chars().filter(c -> ScriptDetector.isSimplified((char) c))).isEmpty();
    assertThat(profile.simplified()).isZero();
    assertThat(profile.han()).isEqualTo(both.length());
    assertThat("发国这说钱头卖").matches(s -> s.chars().allMatch(c -> simplified((char) c)));
    assertThat("發國這說錢頭賣").matches(s -> s.chars().noneMatch(c -> simplified((char) c)));
  }

  private static boolean simplified(char c) {
    return ScriptDetector.isSimplified(c);
  }

  @Test
  void theTableIsWhatTheDictionariesGive() throws IOException {
    List<String> made = ScriptTable.make().lines().filter(line -> !line.startsWith("#")).toList();
    assertThat(Resources.lines("script-characters.txt")).isEqualTo(made);
  }

  @Test
  void refusesThresholdsThatJudgeNothing() {
    assertThatThrownBy(() -> config(0, 0.02))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("min_unique");
    assertThatThrownBy(() -> config(1, 0.6)).hasMessageContaining("mixed_ratio");
    assertThatThrownBy(() -> config(1, Double.NaN)).hasMessageContaining("mixed_ratio");
  }

  @Test
  void tellsJapaneseAndKoreanButNotTheirWordsInChinese() {
    assertThat(foreign("玉山は台湾で最も高い山であり、東アジアでも最も高い。")).isEqualTo("japanese");
    assertThat(foreign("ﾎﾃﾙはこちら")).isEqualTo("japanese");
    assertThat(foreign("위산은 대만에서 가장 높은 산이다.")).isEqualTo("korean");
    assertThat(foreign(TRADITIONAL + "「ありがとう」是謝謝，「감사」也是。")).isEmpty();
    assertThat(foreign("ㄅㄆㄇㄈ")).isEmpty();
    assertThat(foreign("Yushan is the highest mountain; in Japanese 新高山（にいたかやま）.")).isEmpty();
    assertThat(foreign("")).isEmpty();
    assertThat(foreign("1947 。")).isEmpty();
  }

  private static String foreign(String text) {
    return ForeignScript.find(text, CONFIG).map(ForeignScript.Found::name).orElse("");
  }

  @Test
  void noLawIsForeign() {
    assertThat(Laws.few()).allMatch(law -> foreign(law).isEmpty());
  }

  private static ScriptConfig config(int minUnique, double mixedRatio) {
    return new ScriptConfig(
        minUnique, mixedRatio, ScriptAction.KEEP, ScriptAction.KEEP, false, false, 1, 1);
  }

  @Test
  void everyLawIsTraditionalAndEverySimplifiedOneIsNot() {
    List<String> laws = Laws.few();
    assertThat(laws).allMatch(law -> script(law) == Script.TRADITIONAL);
    assertThat(laws.subList(0, 40))
        .allMatch(law -> script(ZhConverterUtil.toSimple(law)) == Script.SIMPLIFIED);
  }
}
