package dev.yushan.data.hygiene;

import static org.assertj.core.api.Assertions.assertThat;

import com.github.houbb.opencc4j.util.ZhConverterUtil;
import dev.yushan.data.Laws;
import java.util.List;
import org.junit.jupiter.api.Test;

class TaiwanConversionTest {
  @Test
  void writesAsTaiwanDoes() {
    assertThat(TaiwanConversion.convert("这个软件的网络很慢，皇后在里面等了半天。", false))
        .isEqualTo("這個軟件的網絡很慢，皇后在裡面等了半天。");
    assertThat(TaiwanConversion.convert("这个软件的网络很慢，鼠标坏了。", true)).isEqualTo("這個軟體的網路很慢，滑鼠壞了。");
    assertThat(TaiwanConversion.convert("审核标准、一群人为他着想、麻痹", false)).isEqualTo("審核標準、一群人為他著想、麻痺");
  }

  @Test
  void leavesTraditionalSentencesAlone() {
    String text = "里長說皇后會來，占用臺北的車站。\n这里的头发干净吗？\n里長也說：干擾。";
    assertThat(TaiwanConversion.convert(text, false))
        .isEqualTo("里長說皇后會來，占用臺北的車站。\n這裡的頭髮乾淨嗎？\n里長也說：干擾。");
    assertThat(TaiwanConversion.convert("里長說會計占用國庫，妨碍国庫。", false))
        .as("only the strays of a traditional sentence")
        .isEqualTo("里長說會計占用國庫，妨礙國庫。");
  }

  @Test
  void losesNothingElse() {
    String text = "这\r\n\t😀𠮷 A1、\u3000\"引\"\uD800";
    assertThat(TaiwanConversion.convert(text, false)).isEqualTo(text.replace('这', '這'));
    assertThat(TaiwanConversion.convert("", true)).isEmpty();
  }

  @Test
  void lawsStayAsTheyAreAndComeBackFromSimplified() {
    List<String> laws = Laws.few();
    assertThat(laws).allMatch(law -> TaiwanConversion.convert(law, false).equals(law));
    long same = 0;
    long all = 0;
    for (String law : laws.subList(0, 30)) {
      String back = TaiwanConversion.convert(ZhConverterUtil.toSimple(law), false);
      assertThat(TaiwanConversion.convert(back, false)).isEqualTo(back);
      assertThat(back).hasSameSizeAs(law);
      for (int i = 0; i < law.length(); i++) {
        same += law.charAt(i) == back.charAt(i) ? 1 : 0;
      }
      all += law.length();
    }
    System.out.printf("characters that come back: %.4f%n", (double) same / all);
    assertThat((double) same / all).isGreaterThan(0.995);
  }
}
