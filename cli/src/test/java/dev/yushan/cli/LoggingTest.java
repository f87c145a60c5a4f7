package dev.yushan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/// What of an exception the log has.
class LoggingTest {

  private static String logged(String logger) {
    PrintStream stderr = System.err;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    System.setErr(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    try {
      LoggerFactory.getLogger(logger)
          .error("request {} failed", "r1", new IllegalStateException("the cause"));
    } finally {
      System.setErr(stderr);
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void aFailureInTheServerHasItsTimeItsCauseAndTheLinesOfCode() {
    for (String logger : new String[] {"dev.yushan.engine.Engine", "dev.yushan.http.HttpService"}) {
      assertThat(logged(logger))
          .containsPattern(
              "^\\d{4}-\\d\\d-\\d\\dT[0-9:.]+(Z|[+-][0-9:]+) ERROR request r1 failed\n")
          .containsOnlyOnce("IllegalStateException: the cause")
          .contains("\tat dev.yushan.cli.LoggingTest.");
    }
  }

  @Test
  void warningsOfCommandsAreLines() {
    assertThat(logged("dev.yushan.train.Trainer")).isEqualTo("ERROR: request r1 failed\n");
  }
}
