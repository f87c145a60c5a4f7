package dev.yushan.data.dedup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.yushan.data.DataException;
import dev.yushan.data.DataRecord;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Benchmark text in documents: found where it is, and nowhere else.
class DecontaminationTest {
  private static final String QUESTION = "下列何者是臺灣的最高峰，其海拔為 3,952 公尺？";
  private static final String ENGLISH =
      "Which of the following peaks is the highest mountain in all of Taiwan and East Asia?";

  @TempDir Path directory;

  @Test
  void theFragmentIsTheTextOfTheDocument() throws IOException {
    Path file = directory.resolve("exam.jsonl");
    Files.writeString(
        file, "{\"q\": \"" + QUESTION + "\"}\n{\"q\": \"" + ENGLISH + "\"}\n{\"q\": \"是或否？\"}\n");
    Decontamination exam =
        Decontamination.read(
            new DecontaminationConfig(
                List.of(file.toString()), "q", 13, 8, 0.5, DecontaminationConfig.Action.DROP));
    assertThat(exam.records()).isEqualTo(2);
    assertThat(exam.tooShort()).isOne();
    String document = "問：下列何者是臺灣的最高峰,其海拔為３,９５２公尺 答：玉山。";
    assertThat(exam.check(document))
        .contains(new Contamination(file + " line 1", 1.0, "下列何者是臺灣的最高峰,其海拔為３,９５２公尺", 2));
    // 台 for 臺: of 7 n-grams the 6 that have it are lost
    assertThat(exam.check("下列何者是台灣的最高峰，其海拔為 3,952 公尺？")).isEmpty();
    assertThat(
            exam.check(
                "It asked: which of the following\npeaks is the HIGHEST mountain in all of"
                    + " Taiwan, and East Asia"))
        .get()
        .extracting(Contamination::place, Contamination::overlap, Contamination::start)
        .containsExactly(file + " line 2", 1.0, 10);
    assertThat(exam.check("")).isEmpty();
  }

  @Test
  void whatIsWrongWithTheBenchmarkIsSaidOfIt() throws IOException {
    Path file = directory.resolve("empty.jsonl");
    for (String lines : List.of("", "{\"q\": \"好\"}\n")) {
      Files.writeString(file, lines);
      assertThatThrownBy(
              () ->
                  Decontamination.read(
                      new DecontaminationConfig(
                          List.of(file.toString()),
                          "text",
                          13,
                          8,
                          0.5,
                          DecontaminationConfig.Action.DROP)))
          .isInstanceOf(DataException.class)
          .hasMessageStartingWith("decontaminate: files: ")
          .hasMessageContaining(lines.isEmpty() ? "hold no record" : "has no field text");
    }
  }

  /// 12 units of 13: looked for as a whole. 9,876 is two numbers, a word is one unit.
  @Test
  void shortRecordsAreLookedForAsAWhole() {
    Decontamination exam =
        exam(
            new DecontaminationConfig(
                List.of(), "text", 13, 8, 0, DecontaminationConfig.Action.DROP),
            "臺灣最高的山是哪一座山呢");
    assertThat(exam.check("請問，臺灣最高的山是哪一座山呢？").get().fragment()).isEqualTo("臺灣最高的山是哪一座山呢");
    assertThat(exam.check("請問，臺灣最高的山是哪一座山？")).isEmpty();
  }

  @Test
  void withoutFilesNothingIsFound() {
    Decontamination none = Decontamination.read(DecontaminationConfig.DEFAULTS);
    assertThat(none.records()).isZero();
    assertThat(none.check(QUESTION)).isEmpty();
  }

  /// Against sets of strings: random records over a small alphabet, so that n-grams are shared.
  @Test
  void overlapIsThatOfTheSetsOfNgrams() {
    long seed = 21;
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    List<String> records = texts(random, 30, 20, 60);
    int found = 0;
    for (double least : new double[] {0, 0.3, 1}) {
      Decontamination exam =
          exam(
              new DecontaminationConfig(
                  List.of(), "text", 5, 5, least, DecontaminationConfig.Action.DROP),
              records.toArray(String[]::new));
      for (String document : texts(random, 200, 30, 300)) {
        String text = document + records.get(0).substring(random.nextInt(20));
        Optional<Contamination> contamination = exam.check(text);
        double[] overlaps = records.stream().mapToDouble(r -> overlap(r, text)).toArray();
        int worst =
            IntStream.range(0, overlaps.length)
                .reduce(0, (a, b) -> overlaps[b] > overlaps[a] ? b : a);
        assertThat(contamination.isPresent())
            .isEqualTo(overlaps[worst] > 0 && overlaps[worst] >= least);
        if (contamination.isPresent()) {
          found++;
          Contamination c = contamination.get();
          assertThat(c.place()).isEqualTo("record " + worst);
          assertThat(c.overlap()).isEqualTo(overlaps[worst]);
          assertThat(text.startsWith(c.fragment(), c.start())).isTrue();
          assertThat(records.get(worst)).contains(c.fragment().substring(0, 5));
        }
      }
    }
    assertThat(found).isBetween(300, 599);
  }

  private static double overlap(String record, String text) {
    Set<String> ngrams = ngrams(record);
    int all = ngrams.size();
    ngrams.retainAll(ngrams(text));
    return ngrams.size() / (double) all;
  }

  private static Set<String> ngrams(String text) {
    Set<String> ngrams = new HashSet<>();
    for (int i = 0; i + 5 <= text.length(); i++) {
      ngrams.add(text.substring(i, i + 5));
    }
    return ngrams;
  }

  private static List<String> texts(Random random, int count, int least, int most) {
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      StringBuilder text = new StringBuilder();
      for (int c = least + random.nextInt(most - least); c > 0; c--) {
        text.append("甲乙丙丁".charAt(random.nextInt(4)));
      }
      texts.add(text.toString());
    }
    return texts;
  }

  private static Decontamination exam(DecontaminationConfig config, String... texts) {
    List<DataRecord> records = new ArrayList<>();
    for (String text : texts) {
      records.add(new DataRecord.Text("record " + records.size(), text));
    }
    return Decontamination.of(config, records.iterator());
  }

  @Test
  void valuesThatAreNotAllowedAreNamed() {
    assertThatThrownBy(
            () ->
                new DecontaminationConfig(
                    List.of(), "text", 13, 14, 0, DecontaminationConfig.Action.DROP))
        .isInstanceOf(DataException.class)
        .hasMessage("min_ngram_size: 14 is not allowed; give a number from 1 to 13");
    assertThatThrownBy(
            () ->
                new DecontaminationConfig(
                    List.of(), "text", 13, 8, 1.5, DecontaminationConfig.Action.DROP))
        .hasMessageContaining("min_overlap: 1.5");
    DataRecord ids = new DataRecord.Ids("x.jsonl line 2", new int[] {1}, new int[0]);
    assertThatThrownBy(
            () -> Decontamination.of(DecontaminationConfig.DEFAULTS, List.of(ids).iterator()))
        .hasMessageContaining("x.jsonl line 2: token ids cannot be looked for");
  }
}
