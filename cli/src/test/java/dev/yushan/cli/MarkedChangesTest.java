package dev.yushan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.yushan.cli.MarkedChanges.Kind;
import dev.yushan.cli.MarkedChanges.Piece;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class MarkedChangesTest {
  private static final MarkedChanges MARKS = new MarkedChanges(false);

  @Test
  void thePiecesAreBothVersions() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    for (int i = 0; i < 2000; i++) {
      String before = text(random);
      String after = text(random);
      List<Piece> pieces = MarkedChanges.pieces(before, after);
      assertThat(without(pieces, Kind.ADDED)).as("seed %d, round %d", seed, i).isEqualTo(before);
      assertThat(without(pieces, Kind.REMOVED)).as("seed %d, round %d", seed, i).isEqualTo(after);
      assertThat(pieces).allMatch(piece -> !piece.text().isEmpty());
    }
  }

  private static String text(Random random) {
    String[] parts = {"a", "字", "😀", "\n", " "};
    return random
        .ints(random.nextInt(12), 0, parts.length)
        .mapToObj(i -> parts[i])
        .collect(Collectors.joining());
  }

  private static String without(List<Piece> pieces, Kind kind) {
    return pieces.stream()
        .filter(piece -> piece.kind() != kind)
        .map(Piece::text)
        .collect(Collectors.joining());
  }

  @Test
  void whatCannotBeSeenIsShown() {
    assertThat(MARKS.of("甲\u3000乙\u001B[31m\t\uFEFF丙\n\n\n丁", "甲 乙\u001B[31m\t丙\n\n丁"))
        .isEqualTo("  line 1: 甲[-U+3000-]{+ +}乙U+001B[31m⇥[-U+FEFF-]丙\n    \n    [-⏎-]\n    丁\n");
  }

  @Test
  void aLineHasNothingThatATerminalObeys() {
    assertThat(MarkedChanges.oneLine("id\u001B[2J\r\n丙")).isEqualTo("idU+001B[2JU+000D 丙");
  }

  @Test
  void passagesBeginWithTheirLine() {
    String far = "一二三四五六七八九十".repeat(9) + "\n";
    assertThat(MARKS.of(far + "甲A" + far + far + "乙B", far + "甲 A" + far + far + "乙 B"))
        .isEqualTo(
            """
              line 1: …三四五六七八九十一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十
                甲{+ +}A一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十一二三四五六七八九…
              line 3: …三四五六七八九十一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十
                乙{+ +}B
            """);
  }
}
