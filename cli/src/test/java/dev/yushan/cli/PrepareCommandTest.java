package dev.yushan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.yushan.text.BpeTrainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// `yushan prepare`: what it prints, and what it says of a configuration that will not do.
class PrepareCommandTest {
  private static final String LAW = "第一條　本法依憲法第八十六條制定之。第二條　公務人員之考試，依本法行之；其他法律有特別規定者，從其規定。";

  private static final String ENGLISH =
      "The court shall hear the parties before it decides, and the decision is served on both of"
          + " them within ten days.";

  @TempDir static Path root;

  @BeforeAll
  static void files() throws IOException {
    Files.writeString(
        root.resolve("law.jsonl"),
        "{\"id\": \"a\", \"text\": \"" + LAW + "\"}\n{\"text\": \"短\"}\n");
    Files.writeString(root.resolve("english.txt"), ENGLISH);
    Files.writeString(root.resolve("law.csv"), "title,body\n法,\"" + LAW + "\"\n");
    BpeTrainer.train(
        List.of(LAW, ENGLISH).iterator(),
        BpeTrainer.Options.ofVocabSize(300),
        root.resolve("tokenizer"));
  }

  private static final String GOOD =
      """
      output_dir: ROOT/out
      tokenizer: ROOT/tokenizer
      sources:
      - name: law
        files: ROOT/law.jsonl
      - name: english
        files: ROOT/english.txt
        skip: [quality, script]
      """;

  private static Cli prepare(String yaml, Object... more) throws IOException {
    Path file = root.resolve("corpus.yaml");
    Files.writeString(file, yaml.replace("ROOT", root.toString()));
    Object[] arguments = {"prepare", "--config", file};
    return Cli.run(Stream.concat(Stream.of(arguments), Stream.of(more)).toArray());
  }

  @Test
  void printsTheLedgerAndWhereItIs() throws IOException {
    Cli run = prepare(GOOD);
    assertThat(run.err()).doesNotContain("yushan:");
    assertThat(run.exit()).isZero();
    assertThat(run.out()).contains("− length", "english", "out/report");
    assertThat(root.resolve("out/train/law"))
        .isDirectoryContaining("glob:**/part-00000-????????.parquet");
    // only English, which the stages for Chinese would drop
    assertThat(root.resolve("out/corpus.json")).content().contains("english");
  }

  @Test
  void whereNothingIsLeftItSaysSo() throws IOException {
    Files.writeString(root.resolve("short.jsonl"), "{\"text\": \"短\"}\n");
    String yaml =
        """
        output_dir: ROOT/nothing
        tokenizer: ROOT/tokenizer
        sources:
        - name: short
          files: ROOT/short.jsonl
        """;
    Cli run = prepare(yaml);
    assertThat(run.exit()).isZero();
    assertThat(run.err()).contains("no document is left to train on", "report.html");
  }

  @Test
  void anEnglishSourceAloneIsKeptWithSkip() throws IOException {
    String yaml =
        """
        output_dir: ROOT/english-out
        tokenizer: ROOT/tokenizer
        sources:
        - {name: english, files: ROOT/english.txt, skip: [quality, script]}
        """;
    Cli run = prepare(yaml);
    assertThat(run.exit()).as(run.err()).isZero();
    assertThat(run.out()).doesNotContain("−");
    Cli without = prepare(yaml.replace(", skip: [quality, script]", ""));
    assertThat(without.exit()).isZero();
    assertThat(without.out()).contains("− han");
  }

  @Test
  void aKeyOfTheTopLevelIsSetOnTheCommandLine() throws IOException {
    Cli run = prepare(GOOD, "--set", "cutoff_len=20", "--set", "output_dir=" + root.resolve("set"));
    assertThat(run.exit()).as(run.err()).isZero();
    assertThat(run.out()).contains("− too long");
    assertThat(root.resolve("set/report.json")).exists();
    Cli wrong = prepare(GOOD, "--set", "cutoff_length=20");
    assertThat(wrong.exit()).isEqualTo(2);
    assertThat(wrong.err()).contains("there is no key cutoff_length; did you mean cutoff_len?");
    assertThat(prepare(GOOD, "--set", "cutoff_len").exit()).isEqualTo(2);
    assertThat(prepare(GOOD, "--set", "stages=[format").err())
        .contains("--set stages", "is no valid YAML value; quote it");
    assertThat(Cli.run("prepare").exit()).isEqualTo(2);
    assertThat(Cli.run("prepare", "--config", root.resolve("none.yaml")).err())
        .contains("none.yaml does not exist; name a YAML file");
  }

  /// What a configuration does not show by itself: what it names is missing or of another kind.
  private static final List<String> ON_THE_WAY =
      List.of(
          "is a file; name a directory",
          "has no tokenizer.json",
          "names no benchmarks",
          "is neither a file",
          "no file matches",
          "has no column text");

  /// A line of the good configuration and what stands in its place, then what is said.
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          output_dir: ROOT/out | output: ROOT/out | there is no key output; did you mean output_dir?
          output_dir: ROOT/out | | output_dir: is not set; name a directory for the corpus
          output_dir: ROOT/out | output_dir: ROOT/law.jsonl | output_dir: ROOT/law.jsonl is a file; name a directory
          tokenizer: ROOT/tokenizer | | tokenizer: is not set; name the directory of the model's tokenizer
          tokenizer: ROOT/tokenizer | tokenizer: ROOT | has no tokenizer.json; name the directory of the model's tokenizer
          sources: | source: | there is no key source; did you mean sources?
          sources: | stages: [formt]~sources: | stages[0]: there is no stage formt; did you mean format?
          sources: | stages: format~sources: | stages: is no list; write for example
          sources: | stages: [format, format]~sources: | stages[1]: format is there twice; keep one
          sources: | stages: [{format: {}, pii: {}}]~sources: | stages[0]: is no stage
          sources: | stages: [{dedup: {treshold: 0.9}}]~sources: | stages[0]: dedup: there is no key treshold; did you mean threshold?
          sources: | stages: [{dedup: {threshold: 2}}]~sources: | stages[0]: dedup: threshold: 2.0 is no Jaccard similarity; give a number above 0 and at most 1
          sources: | stages: [{dedup: {threshold: high}}]~sources: | dedup: threshold: "high" will not do; give a number
          sources: | stages: [{dedup: {bands: 1.5}}]~sources: | dedup: bands: 1.5 will not do; give a whole number
          sources: | stages: [{dedup: 0.9}]~sources: | stages[0]: dedup: has settings of the form key: value, not 0.9; it knows exact, near
          sources: | stages: [{script: {on_simplified: delete}}]~sources: | script: on_simplified: "delete" will not do; give one of drop, convert, keep
          sources: | stages: [{format: {enable: [quotes]}}]~sources: | format: enable: there is no formatting rule 'quotes'; there are
          sources: | stages: [quality, script, decontaminate]~sources: | decontaminate: names no benchmarks; give it files: [benchmark.jsonl], or take it out of the stages
          sources: | stages: [quality, script, decontaminate: {files: ROOT/exam.jsonl}]~sources: | decontaminate: files: ROOT/exam.jsonl is neither a file
          sources: | stages: [{quality: {min_han_ratio: 3}}]~sources: | quality: min_han_ratio: 3.0 is no share; give one from 0 to 1
          sources: | cutoff_len: 1~sources: | cutoff_len: 1 is too short; give 2 or more
          sources: | cutoff_len: many~sources: | cutoff_len: "many" will not do; give a whole number
          sources: | cutoff_len: 3.5~sources: | cutoff_len: 3.5 will not do; give a whole number
          sources: | cutoff_len:~sources: | cutoff_len: has no value; give one, or leave the key out
          sources: | add_bos: maybe~sources: | add_bos: "maybe" will not do; give true or false
          sources: | dataset_dir: [a, b]~sources: | dataset_dir: ["a","b"] will not do; give a text
          sources: | on_excess: cut~sources: | on_excess: "cut" will not do; give one of drop, split, fail
          sources: | temperature: 0~sources: | temperature: 0.0 is no temperature; give a number above 0
          sources: | shard_bytes: 1~sources: | shard_bytes: 1 is too small; give 4096 or more
          sources: | threads: -1~sources: | threads: -1 is less than 0; 0 takes all processors
          sources: | on_bad_record: stop~sources: | on_bad_record: "stop" will not do; give one of
          sources: | tokenizer: x~sources: | Duplicate field 'tokenizer'
          sources: | cutoff_len: [~sources: | corpus.yaml line
          '  files: ROOT/english.txt' | '' | sources[1]: needs name and files
          '  files: ROOT/english.txt' | '  files: ROOT/none.txt' | sources: english: files: ROOT/none.txt is neither a file
          '  files: ROOT/english.txt' | '  files: ROOT/*.md' | sources: english: files: no file matches ROOT/*.md
          '  files: ROOT/english.txt' | '  files: ROOT/law.csv' | has no column text
          - name: english | - name: law | sources: two are named law; give each a name of its own
          - name: english | - name: a/b | name: 'a/b' is no name; use the letters A to Z, digits, - and _
          - name: english | - nam: english | sources[1]: there is no key nam; did you mean name?
          - name: english | '- weight: 2~  name: english' | some have a weight and some have none; give one to every source
          - name: english | '- weight: -2~  name: english' | give a number above 0
          - name: english | '- epochs: 0~  name: english' | give a number above 0
          - name: english | '- role: test~  name: english' | sources[1]: role: "test" will not do; give one of train, eval, forget
          - name: english | '- role: eval~  epochs: 2~  name: english' | are for sources that are trained on; leave them out for role: eval
          - name: law | '- weight: 1~  epochs: 2~  name: law' | mixed by weight, by epochs or by temperature: more than one of them is set; keep one
          '  skip: [quality, script]' | '  skip: [qualty]' | skip: there is no stage qualty; did you mean quality?
          '  skip: [quality, script]' | '  skip: [dedup]' | skip: dedup is for all sources together; leave it out here
          '  skip: [quality, script]' | '  text_column: ""' | text_column: is empty; name the column that holds the text
          '  skip: [quality, script]' | '  text_column: "{a"' | sources[1]: text_column: {a has a single {
          """)
  void whatWillNotDoIsNamed(String line, String instead, String message) throws IOException {
    assertThat(GOOD).contains(line);
    String put = instead == null ? "" : instead.replace("~", "\n");
    Cli run = prepare(GOOD.replaceFirst(Pattern.quote(line), Matcher.quoteReplacement(put)));
    String said = run.err();
    boolean onTheWay = ON_THE_WAY.stream().anyMatch(message::contains);
    assertThat(run.exit()).isEqualTo(onTheWay ? 1 : 2);
    assertThat(said).contains(message.replace("ROOT", root.toString()));
    assertThat(said.lines().filter(l -> l.startsWith("yushan: "))).hasSize(1);
    assertThat(said).doesNotContain("Exception", "defect", "dev.yushan", "java.", "null");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          output_dir: ROOT/out~tokenizer: ROOT/tokenizer | sources: is empty; name the files to prepare
          output_dir: ROOT/out~tokenizer: ROOT/tokenizer~sources: [] | sources: is empty; name the files to prepare
          output_dir: ROOT/out~sources: {name: a, files: b} | sources: is no list; write each as
          output_dir: ROOT/out~sources: ROOT/law.jsonl | sources: is no list; write each as
          output_dir: ROOT/out~sources: [ROOT/law.jsonl] | sources[0]: has settings of the form key: value
          output_dir: ROOT/out~sources: [{name: a, files: b, role: eval}] | tokenizer: is not set
          output_dir: ROOT/out~tokenizer: x~sources: [{name: a, files: b, role: eval}] | none is trained on; leave out the role of one
          just a word | expected lines of the form key: value
          '' | expected lines of the form key: value
          """)
  void anotherFileIsNoConfiguration(String yaml, String message) throws IOException {
    Cli run = prepare(yaml.replace("~", "\n") + "\n");
    assertThat(run.exit()).isEqualTo(2);
    assertThat(run.err()).contains(message).startsWith("yushan: ");
    assertThat(run.err()).doesNotContain("Exception", "defect", "null");
  }
}
