package dev.yushan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.yushan.backend.testkit.BackendConformance;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/// The rules of `docs/how-to/write-a-backend.md` and the tests of the kit name each other.
class BackendRulesTest {
  private static final Path PAGE =
      Path.of("").toAbsolutePath().getParent().resolve("docs/how-to/write-a-backend.md");
  private static final Pattern RULE =
      Pattern.compile("\\| B-(\\d+) \\| [^|]+ \\| (`\\w+`(?:, `\\w+`)*) \\|");

  @Test
  void everyRuleHasATestAndEveryTestARule() throws IOException {
    List<Integer> numbers = new ArrayList<>();
    Set<String> named = new TreeSet<>();
    Matcher rule = RULE.matcher(Files.readString(PAGE));
    while (rule.find()) {
      numbers.add(Integer.parseInt(rule.group(1)));
      named.addAll(List.of(rule.group(2).replace("`", "").split(", ")));
    }
    assertThat(numbers).hasSizeGreaterThan(10);
    for (int i = 0; i < numbers.size(); i++) {
      assertThat(numbers.get(i)).isEqualTo(i + 1);
    }
    Set<String> tests =
        Arrays.stream(BackendConformance.class.getDeclaredMethods())
            .filter(m -> has(m, Test.class) || has(m, TestFactory.class))
            .map(Method::getName)
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(named).isEqualTo(tests);
  }

  private static boolean has(Method method, Class<? extends java.lang.annotation.Annotation> type) {
    return method.isAnnotationPresent(type);
  }
}
