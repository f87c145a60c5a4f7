package dev.yushan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.yushan.backend.testkit.BackendConformance;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/// The rules of `docs/how-to/write-a-backend.md` name the tests of the kit, which carry their
/// numbers.
class BackendRulesTest {
  private static final Path PAGE =
      Path.of("").toAbsolutePath().getParent().resolve("docs/how-to/write-a-backend.md");
  private static final Pattern RULE =
      Pattern.compile("\\| B-(\\d+) \\| [^|]+ \\| (`\\w+`(?:, `\\w+`)*) \\|");

  @Test
  void everyRuleHasATestAndEveryTestARule() throws IOException {
    List<Integer> numbers = new ArrayList<>();
    Map<String, String> named = new TreeMap<>();
    Matcher rule = RULE.matcher(Files.readString(PAGE));
    while (rule.find()) {
      numbers.add(Integer.parseInt(rule.group(1)));
      for (String test : rule.group(2).replace("`", "").split(", ")) {
        named.merge(test, "B-" + rule.group(1), (before, next) -> before + " " + next);
      }
    }
    assertThat(numbers).hasSizeGreaterThan(10);
    for (int i = 0; i < numbers.size(); i++) {
      assertThat(numbers.get(i)).isEqualTo(i + 1);
    }
    Map<String, String> tests = new TreeMap<>();
    for (Method method : BackendConformance.class.getDeclaredMethods()) {
      if (has(method, Test.class) || has(method, TestFactory.class)) {
        String name = method.getAnnotation(DisplayName.class).value();
        assertThat(name).endsWith(" " + method.getName());
        tests.put(method.getName(), name.replace(" " + method.getName(), ""));
      }
    }
    assertThat(tests).isEqualTo(named);
  }

  private static boolean has(Method method, Class<? extends java.lang.annotation.Annotation> type) {
    return method.isAnnotationPresent(type);
  }
}
