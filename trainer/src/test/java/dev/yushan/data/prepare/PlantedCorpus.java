package dev.yushan.data.prepare;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.yushan.data.ParquetColumn;
import dev.yushan.data.ParquetWriter;
import dev.yushan.data.hygiene.PiiKind;
import dev.yushan.data.hygiene.PlaceholderStyle;
import dev.yushan.data.hygiene.PlantedPii;
import dev.yushan.text.BpeTrainer;
import dev.yushan.text.Tokenizer;
import dev.yushan.text.Tokenizers;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.GZIPOutputStream;

/// Files of several formats with documents of which is known what is wrong with each, and a
/// tokenizer.
///
/// @param documents in the order in which duplicates are kept
record PlantedCorpus(Path root, List<Document> documents) {
  /// What is wrong with a document, and how many such there are in [PlantedCorpus#of].
  enum Kind {
    GOOD(150),
    EXACT(60),
    NEAR(0),
    SIMPLIFIED(20),
    MIXED(20),
    PII(28),
    SHORT(12),
    REPEATED(10),
    LONG(9),
    BROKEN_JSON(6),
    NO_COLUMN(5),
    WRONG_FIELDS(4),
    EMPTY(8);

    final int count;

    Kind(int count) {
      this.count = count;
    }

    boolean isNone() {
      return ordinal() >= BROKEN_JSON.ordinal();
    }
  }

  /// Sources in the order in which duplicates are kept: the one that is held out is named last.
  static final List<String> SOURCES = List.of("held", "web", "books", "files");

  static final double[] SIMILARITIES = {0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1};

  /// Pairs of each similarity.
  static final int PAIRS = 40;

  static final int CUTOFF = 1500;

  /// A document.
  ///
  /// @param expected its text in the corpus, where it gets there
  /// @param family of documents that are alike
  /// @param jaccard of the two of a family of kind NEAR
  record Document(
      Kind kind,
      String text,
      String expected,
      int family,
      double jaccard,
      PiiKind pii,
      String source,
      String id) {
    Document at(String where, String name) {
      return new Document(kind, text, expected, family, jaccard, pii, where, name);
    }
  }

  /// What is drawn, before it has a place.
  private static final class Draw {
    final List<Document> documents = new ArrayList<>();
    private int families;

    void add(Kind kind, String text, String expected, double jaccard, PiiKind pii) {
      documents.add(new Document(kind, text, expected, families, jaccard, pii, "", ""));
    }

    void alone(Kind kind, String text, String expected) {
      families++;
      add(kind, text, expected, 0, PiiKind.EMAIL);
    }
  }

  static PlantedCorpus of(Path root, long seed) {
    Random random = new Random(seed);
    HanText han = new HanText(random);
    Draw draw = new Draw();
    for (int i = 0; i < Kind.GOOD.count; i++) {
      String text = han.of(80 + random.nextInt(240));
      draw.alone(Kind.GOOD, text, text);
    }
    families(draw, han, random);
    defects(draw, han, random);
    personal(draw, han, seed);
    Collections.shuffle(draw.documents, random);
    return placed(root, draw.documents, random);
  }

  private static void families(Draw draw, HanText han, Random random) {
    for (int copies = 0; copies < Kind.EXACT.count; ) {
      String text = han.of(60 + random.nextInt(200));
      draw.alone(Kind.EXACT, text, text);
      for (int more = 1 + random.nextInt(3); more > 0 && copies < Kind.EXACT.count; more--) {
        copies++;
        // what formatting takes away, and what is not compared
        String copy = text + (random.nextBoolean() ? "  \n" : "！");
        draw.add(Kind.EXACT, copy, copy.replace(" ", ""), 0, PiiKind.EMAIL);
      }
    }
    for (double jaccard : SIMILARITIES) {
      for (int pair = 0; pair < PAIRS; pair++) {
        // so many 5-grams that the changes come out even
        int ngrams = jaccard == 0.95 ? 390 : jaccard == 0.9 ? 380 : jaccard == 0.7 ? 340 : 360;
        String text = jaccard == 1 ? han.same5Grams(300) : han.of(ngrams + 4);
        String other = jaccard == 1 ? HanText.longer(text) : han.like(text, jaccard);
        draw.alone(Kind.NEAR, text, text);
        Document first = draw.documents.removeLast();
        draw.add(Kind.NEAR, first.text(), text, jaccard, PiiKind.EMAIL);
        draw.add(Kind.NEAR, other, other, jaccard, PiiKind.EMAIL);
      }
    }
  }

  private static void defects(Draw draw, HanText han, Random random) {
    for (int i = 0; i < Kind.SIMPLIFIED.count; i++) {
      draw.alone(Kind.SIMPLIFIED, HanText.simplified(han.of(200)), "");
    }
    for (int i = 0; i < Kind.MIXED.count; i++) {
      String text = han.of(300);
      draw.alone(Kind.MIXED, HanText.mixed(text, 0.2), text);
    }
    for (int i = 0; i < Kind.SHORT.count; i++) {
      draw.alone(Kind.SHORT, han.of(5 + random.nextInt(15)), "");
    }
    for (int i = 0; i < Kind.REPEATED.count; i++) {
      draw.alone(Kind.REPEATED, han.of(12).repeat(20), "");
    }
    for (int i = 0; i < Kind.LONG.count; i++) {
      draw.alone(Kind.LONG, han.of(2500), "");
    }
    for (Kind kind : Kind.values()) {
      for (int i = 0; i < kind.count && kind.isNone(); i++) {
        draw.alone(kind, "", "");
      }
    }
  }

  private static void personal(Draw draw, HanText han, long seed) {
    PlantedPii values = new PlantedPii(seed);
    for (int i = 0; i < Kind.PII.count; i++) {
      PiiKind kind = PiiKind.values()[i % PiiKind.values().length];
      boolean company = kind == PiiKind.COMPANY_NUMBER;
      String front = han.of(120) + (company ? "統一編號：" : "聯絡：");
      String end = "。" + han.of(60);
      String value = values.value(kind);
      String mark = company ? value : kind.placeholder(PlaceholderStyle.CHINESE);
      draw.alone(Kind.PII, front + value + end, front + mark + end);
      Document last = draw.documents.removeLast();
      draw.add(Kind.PII, last.text(), last.expected(), 0, kind);
    }
  }

  // ---- files -----------------------------------------------------------------------------------

  private static PlantedCorpus placed(Path root, List<Document> drawn, Random random) {
    Map<String, List<Document>> sources = new java.util.LinkedHashMap<>();
    SOURCES.forEach(source -> sources.put(source, new ArrayList<>()));
    for (Document document : drawn) {
      String source =
          switch (document.kind()) {
            case BROKEN_JSON, NO_COLUMN -> "web";
            case WRONG_FIELDS -> "held";
            default -> SOURCES.get(random.nextInt(SOURCES.size()));
          };
      sources.get(source).add(document);
    }
    List<Document> all = new ArrayList<>();
    sources.forEach(
        (source, own) -> {
          for (int i = 0; i < own.size(); i++) {
            String id =
                source.equals("files") ? "%04d.txt".formatted(i) : source + "-%d".formatted(i);
            all.add(own.get(i).at(source, id));
          }
        });
    PlantedCorpus corpus = new PlantedCorpus(root, List.copyOf(all));
    try {
      corpus.write();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return corpus;
  }

  List<Document> of(String source) {
    return documents.stream().filter(document -> document.source().equals(source)).toList();
  }

  private void write() throws IOException {
    Files.createDirectories(root.resolve("files"));
    List<Document> web = of("web");
    gzip(root.resolve("web-1.jsonl.gz"), web.subList(0, web.size() / 2));
    gzip(root.resolve("web-2.jsonl.gz"), web.subList(web.size() / 2, web.size()));
    ParquetWriter.write(
        root.resolve("books.parquet"),
        List.of(ParquetColumn.string("name"), ParquetColumn.string("body")),
        Map.of(),
        rows -> {
          for (Document document : of("books")) {
            rows.add(document.id(), document.text());
          }
        });
    StringBuilder csv = new StringBuilder("id,text\n");
    for (Document document : of("held")) {
      String more = document.kind() == Kind.WRONG_FIELDS ? ",more" : "";
      csv.append("%s,\"%s\"%s\n".formatted(document.id(), document.text(), more));
    }
    Files.writeString(root.resolve("held.csv"), csv);
    for (Document document : of("files")) {
      Files.writeString(root.resolve("files").resolve(document.id()), document.text());
    }
    List<String> texts = documents.stream().limit(200).map(Document::text).toList();
    BpeTrainer.train(
        texts.iterator(), BpeTrainer.Options.ofVocabSize(500), root.resolve("tokenizer"));
  }

  private static void gzip(Path file, List<Document> documents) throws IOException {
    ObjectMapper json = new ObjectMapper();
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      for (Document document : documents) {
        String line =
            switch (document.kind()) {
              case BROKEN_JSON -> "{\"id\": \"x\", \"text\": \"山水";
              case NO_COLUMN -> "{\"id\": \"y\", \"body\": \"山水\"}";
              default ->
                  json.writeValueAsString(Map.of("id", document.id(), "text", document.text()));
            };
        out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
      }
    }
  }

  Tokenizer tokenizer() {
    return Tokenizers.load(root.resolve("tokenizer"));
  }

  /// A preparation of it into `output`.
  ///
  /// @param changes keys of the top level, as `--set` gives them
  CorpusConfig config(Path output, Map<String, String> changes) {
    Path yaml = root.resolve("corpus.yaml");
    try {
      Files.writeString(yaml, yaml());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Map<String, String> all = new java.util.LinkedHashMap<>(changes);
    all.put("output_dir", output.toString());
    return CorpusConfig.read(yaml, all);
  }

  private String yaml() {
    return """
    tokenizer: %1$s/tokenizer
    cutoff_len: %2$d
    shard_bytes: 100000
    threads: 2
    sources:
    - name: web
      files: ["%1$s/web-*.jsonl.gz"]
      id_column: id
    - name: books
      files: %1$s/books.parquet
      text_column: body
      id_column: name
    - name: files
      files: %1$s/files
    - name: held
      files: %1$s/held.csv
      id_column: id
      role: eval
    """
        .formatted(root, CUTOFF);
  }
}
