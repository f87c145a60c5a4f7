package dev.yushan.data.prepare;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.yushan.data.ParquetColumn;
import dev.yushan.data.ParquetWriter;
import dev.yushan.text.BpeTrainer;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.zip.GZIPOutputStream;

/// A corpus in three files of three formats with defects of known kinds and numbers, and what
/// should become of each document.
///
/// @param fate of each id: the reason for which it goes, or `kept`
/// @param jaccard of each near duplicate, with the document that it was made of
record PlantedCorpus(Path directory, Map<String, String> fate, Map<String, Double> jaccard) {
  static final String KEPT = "kept";

  private static final String[] WORDS =
      ("學校 國家 經濟 臺灣 圖書館 醫院 飛機 鐵路 歷史 藝術 電腦 網路 農業 漁業 運動 選舉 議會 縣長 鄉鎮 環境"
              + " 氣候 溫度 陽光 雲層 颱風 豐收 稻穀 茶葉 鳳梨 芒果 觀光 飯店 夜市 廟會 節慶 舞蹈 樂團 畫家 詩歌 戲劇"
              + " 實驗 觀察 數學 物理 藥學 護理 兒童 長輩 鄰居 朋友 書店 報紙 雜誌 廣播 電視 導演 攝影 橋樑 隧道 機場")
          .split(" ");
  private static final String[] SIMPLIFIED =
      "学校 国家 经济 图书馆 医院 飞机 铁路 历史 艺术 电脑 农业 运动 选举 议会 环境 气候 阳光 观光 节庆 乐团".split(" ");

  static final int BASE = 160;
  static final int EXACT = 20;
  static final int NEAR = 30;
  static final int FAR = 20;
  static final int FOREIGN = 15;
  static final int SHORT = 10;
  static final int MAIL = 12;
  static final int LONG = 5;
  static final int BROKEN = 6;
  static final int EMPTY = 4;

  /// Writes it, with a tokenizer for it, into `directory`.
  static PlantedCorpus in(Path directory, long seed) throws IOException {
    Random random = new Random(seed);
    Map<String, String> texts = new LinkedHashMap<>();
    PlantedCorpus corpus =
        new PlantedCorpus(directory, new LinkedHashMap<>(), new LinkedHashMap<>());
    List<String> base = new ArrayList<>();
    for (int i = 0; i < BASE; i++) {
      base.add(text(random, WORDS, 60 + random.nextInt(60)));
      corpus.add(texts, "base", i, base.get(i), KEPT);
    }
    for (int i = 0; i < EXACT; i++) {
      corpus.add(texts, "exact", i, base.get(i).replace("，", " ， "), "exact_duplicate");
    }
    for (int i = 0; i < NEAR + FAR; i++) {
      String origin = base.get(40 + i);
      String changed = changed(random, origin, i < NEAR ? 1 : 12);
      double similar = jaccard(origin, changed);
      corpus.jaccard.put("near-" + i, similar);
      corpus.add(texts, "near", i, changed, similar >= 0.8 ? "near_duplicate" : KEPT);
    }
    for (int i = 0; i < FOREIGN; i++) {
      corpus.add(texts, "foreign", i, text(random, SIMPLIFIED, 80), "simplified");
    }
    for (int i = 0; i < SHORT; i++) {
      corpus.add(texts, "short", i, WORDS[i] + "。", "length");
    }
    for (int i = 0; i < MAIL; i++) {
      String mail = " name" + i + "@example.com.tw ";
      corpus.add(texts, "mail", i, text(random, WORDS, 50) + mail + text(random, WORDS, 50), KEPT);
    }
    for (int i = 0; i < LONG; i++) {
      corpus.add(texts, "long", i, text(random, WORDS, 1500), "too_long");
    }
    corpus.write(texts);
    BpeTrainer.train(
        base.iterator(), BpeTrainer.Options.ofVocabSize(600), directory.resolve("base"));
    return corpus;
  }

  private void add(Map<String, String> texts, String kind, int i, String text, String becomes) {
    texts.put(kind + "-" + i, text);
    fate.put(kind + "-" + i, becomes);
  }

  static String text(Random random, String[] words, int count) {
    StringBuilder text = new StringBuilder();
    for (int w = 0; w < count; w++) {
      text.append(words[random.nextInt(words.length)]);
      text.append(w % 9 == 8 ? "。\n" : w % 3 == 2 ? "，" : "");
    }
    return text.append("。").toString();
  }

  /// Another word in the place of some characters, evenly spread.
  private static String changed(Random random, String text, int times) {
    StringBuilder changed = new StringBuilder(text);
    for (int k = 0; k < times; k++) {
      int at = (k * 2 + 1) * changed.length() / (2 * times);
      changed.replace(at, at + 1, "" + (char) (0x7530 + random.nextInt(60)));
    }
    return changed.toString();
  }

  /// Of the sets of 5-grams, without punctuation and white space.
  static double jaccard(String a, String b) {
    Set<String> both = grams(a);
    Set<String> all = grams(a);
    all.addAll(grams(b));
    both.retainAll(grams(b));
    return both.size() / (double) all.size();
  }

  private static Set<String> grams(String text) {
    String letters = text.replaceAll("[^\\p{L}\\p{N}]", "");
    Set<String> grams = new HashSet<>();
    for (int i = 0; i + 5 <= letters.length(); i++) {
      grams.add(letters.substring(i, i + 5));
    }
    return grams;
  }

  private void write(Map<String, String> texts) throws IOException {
    List<String> ids = new ArrayList<>(texts.keySet());
    StringBuilder lines = new StringBuilder();
    StringBuilder rows = new StringBuilder("id,text\n");
    List<String> parquet = new ArrayList<>();
    for (int i = 0; i < ids.size(); i++) {
      String text = texts.get(ids.get(i));
      switch (i % 3) {
        case 0 ->
            lines
                .append(
                    new ObjectMapper().writeValueAsString(Map.of("id", ids.get(i), "text", text)))
                .append('\n');
        case 1 -> rows.append(ids.get(i)).append(",\"").append(text).append("\"\n");
        default -> parquet.add(ids.get(i));
      }
    }
    lines.append("{\"id\": \"x\", \"text\": \"half\n".repeat(BROKEN));
    lines.append("{\"id\": \"x\", \"text\": \"\"}\n".repeat(EMPTY));
    try (OutputStream out =
        new GZIPOutputStream(Files.newOutputStream(directory.resolve("a.jsonl.gz")))) {
      out.write(lines.toString().getBytes(StandardCharsets.UTF_8));
    }
    Files.writeString(directory.resolve("b.csv"), rows);
    ParquetWriter.write(
        directory.resolve("c.parquet"),
        List.of(ParquetColumn.string("id"), ParquetColumn.string("text")),
        Map.of(),
        file -> {
          for (String id : parquet) {
            file.add(id, texts.get(id));
          }
        });
  }

  /// A configuration that prepares it, with other keys of the top level in YAML.
  Path config(Path output, String... more) throws IOException {
    String yaml =
        """
        output_dir: %s
        tokenizer: %s/base
        cutoff_len: 1500
        shard_bytes: 16384
        sources:
        - {name: lines, files: %s/a.jsonl.gz, id_column: id}
        - {name: rows, files: %s/b.csv, id_column: id}
        - {name: columns, files: %s/c.parquet, id_column: id}
        """
            .formatted(output, directory, directory, directory, directory);
    Path file = Files.createTempFile(directory, "corpus", ".yaml");
    return Files.writeString(file, yaml + String.join("\n", more) + "\n");
  }

  CorpusReport prepare(Path output, String... more) throws IOException {
    CorpusConfig config = CorpusConfig.read(config(output, more), Collections.emptyMap());
    return Preparation.run(config, (phase, done, begun) -> {});
  }
}
