package dev.yushan.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.util.Arrays;

/// One run of the command line in this JVM: what it printed, and its exit code.
record Cli(int exit, String out, String err) {
  static Cli run(Object... arguments) {
    return runWith("", arguments);
  }

  /// Runs with this standard input.
  static Cli runWith(String input, Object... arguments) {
    PrintStream realOut = System.out;
    PrintStream realErr = System.err;
    InputStream realIn = System.in;
    var out = new ByteArrayOutputStream();
    var err = new ByteArrayOutputStream();
    System.setOut(new PrintStream(out, true, UTF_8));
    System.setErr(new PrintStream(err, true, UTF_8));
    System.setIn(new ByteArrayInputStream(input.getBytes(UTF_8)));
    try {
      String[] words = Arrays.stream(arguments).map(Object::toString).toArray(String[]::new);
      int exit = Yushan.execute(words);
      return new Cli(exit, out.toString(UTF_8), err.toString(UTF_8));
    } finally {
      System.setOut(realOut);
      System.setErr(realErr);
      System.setIn(realIn);
    }
  }
}
