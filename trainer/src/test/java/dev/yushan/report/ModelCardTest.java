package dev.yushan.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelCardTest {
  @TempDir Path root;

  private Path directory;

  @BeforeEach
  void run() throws IOException {
    directory = Files.createDirectory(root.resolve("tw-cpt"));
    TestRun.write(directory);
  }

  private String card() {
    return ModelCard.text(RunDirectory.read(directory));
  }

  private JsonNode metadata() {
    return HubMetadata.require(card());
  }

  @Test
  void theMetadataIsWhatTheHubTakes() {
    JsonNode metadata = metadata();
    assertThat(metadata.get("base_model").asText()).isEqualTo("meta-llama/Llama-3.2-1B");
    assertThat(metadata.get("library_name").asText()).isEqualTo("transformers");
    assertThat(metadata.get("license").asText()).isEqualTo("llama3.2");
    assertThat(metadata.get("language")).extracting(JsonNode::asText).containsExactly("zh", "en");
    assertThat(metadata.get("datasets"))
        .extracting(JsonNode::asText)
        .containsExactly("org/tw-news");
    assertThat(metadata.get("tags")).extracting(JsonNode::asText).contains("continued-pretraining");
    assertThat(metadata.get("pipeline_tag").asText()).isEqualTo("text-generation");
    assertThat(metadata.get("widget").get(0).get("text").asText()).isEqualTo("中華民國憲法第一條");
  }

  /// The checker itself can fail.
  @Test
  void whatTheHubRefusesIsFound() {
    for (String wrong :
        new String[] {
          "base_model: /home/me/llama",
          "license: [a, b]",
          "language: zh_tw!",
          "datasets: data/corpus.jsonl",
          "widget: text",
          "licence: mit",
          "license: other"
        }) {
      assertThatThrownBy(() -> HubMetadata.require("---\n" + wrong + "\n---\n"))
          .as(wrong)
          .isInstanceOf(AssertionError.class);
    }
    assertThatThrownBy(() -> HubMetadata.require("# no metadata\n"))
        .isInstanceOf(AssertionError.class);
  }

  @Test
  void theTextHasWhatWasMeasured() {
    assertThat(card())
        .contains(
            "# tw-cpt\n",
            "Continued pre-training of [meta-llama/Llama-3.2-1B](https://huggingface.co/",
            "| laws | 900 | 1,200,000 |",
            "| **all** | **1,000** | **1,500,000** |",
            "1,060 records were read: 3 bad and 2 empty ones left out.",
            "Held out for evaluation (`val_size`): 50 documents, 50,000 tokens.",
            "Documents of more than 4096 tokens: 5 dropped (102,010 tokens), 0 split (0 tokens).",
            "**learning_rate:** 5e-06",
            "**min_learning_rate:** 5e-07",
            "**train_batch_size:** 4",
            "**gradient_accumulation_steps:** 8",
            "**total_train_batch_size:** 32",
            "**lr_scheduler_type:** cosine_with_min_lr",
            "**lr_scheduler_warmup_ratio:** 0.01",
            "**global_step:** 40",
            "| Training loss | Epoch | Step | Validation loss |",
            "| 2.1 | 0.5 | 20 | 2.3 |",
            "**Train runtime:** 1:02:03",
            "**Total training FLOPs:** 1.2346e+15",
            "(perplexity 8.17)",
            "- step 0: `中國`",
            "- step 40: `中華民國基於三民主義`",
            "### Framework versions",
            "**Yushan:** 0.1.0")
        .doesNotContain("null", "not recorded", "?", "max_samples");
  }

  @Test
  void withoutALicenseItSaysSo() throws IOException {
    TestRun.replace(directory.resolve("run.json"), "\"license\": \"llama3.2\",", "");
    assertThat(metadata().has("license")).isFalse();
    assertThat(card()).contains("No license is stated");
  }

  @Test
  void aBaseThatIsNotOnTheHubIsNamedInTheTextAlone() throws IOException {
    TestRun.replace(directory.resolve("run.json"), "\"id\": \"meta-llama/Llama-3.2-1B\",", "");
    assertThat(metadata().has("base_model")).isFalse();
    assertThat(card()).contains("Continued pre-training of `Llama-3.2-1B`");
  }

  @Test
  void freshWeightsInheritNothing() throws IOException {
    TestRun.replace(
        directory.resolve("run.json"),
        "\"train_from_scratch\": false",
        "\"train_from_scratch\": true");
    assertThat(metadata().has("base_model")).isFalse();
    assertThat(metadata().has("license")).isFalse();
    assertThat(metadata().get("language")).extracting(JsonNode::asText).containsExactly("zh");
    assertThat(card()).contains("Pre-trained from fresh weights");
  }

  @Test
  void piecesOfSplitDocumentsAreSaidToCount() throws IOException {
    TestRun.replace(
        directory.resolve("token_ledger.json"),
        "\"split_documents\": 0, \"split_pieces\": 0",
        "\"split_documents\": 3, \"split_pieces\": 1200");
    assertThat(card())
        .contains(
            "3 split (0 tokens) into 1,200 pieces, each of which counts as a document above.");
  }

  @Test
  void whoKnowsMoreSaysSoInCardYaml() throws IOException {
    Files.writeString(
        directory.resolve(ModelCard.OVERRIDES),
        "license: apache-2.0\ntags: [ROC, Taiwan, zh-tw]\n");
    assertThat(metadata().get("license").asText()).isEqualTo("apache-2.0");
    assertThat(metadata().get("tags"))
        .extracting(JsonNode::asText)
        .containsExactly("ROC", "Taiwan", "zh-tw");
    Files.writeString(directory.resolve(ModelCard.OVERRIDES), "just text");
    assertThatThrownBy(this::card).hasMessageContaining("card.yaml must hold lines");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          licence: mit              | the Hub knows no field licence; did you mean license?
          license: apache-2         | license must be an id that the Hub knows, not "apache-2"; did you mean apache-2.0?
          license: nonsense-1       | for one of its own write other, with license_name
          license: other            | needs license_name
          language: 5               | language must be a code such as zh or zh-TW, not 5
          language: [zh, Chinese]   | not "Chinese"
          tags: {a: b}              | tags must be a text
          """)
  void aSlipInCardYamlIsRefused(String line, String message) throws IOException {
    Files.writeString(directory.resolve(ModelCard.OVERRIDES), line + "\n");
    assertThatThrownBy(this::card)
        .hasMessageContaining("card.yaml: ")
        .hasMessageContaining(message);
  }

  @Test
  void fieldsOfOnesOwnAndEverythingTheHubKnowsStay() throws IOException {
    Files.writeString(
        directory.resolve(ModelCard.OVERRIDES),
        """
        license: [llama3.2, mit]
        language: [zh-TW, en, code]
        base_model: org/name
        corpus_version: 3
        widget: [{text: 台灣}]
        """);
    assertThat(card())
        .contains("corpus_version: 3", "base_model: org/name", "- zh-TW", "- llama3.2");
  }

  @Test
  void aCardOfSomebodyElseIsReplacedOnlyByForce() throws IOException {
    RunDirectory run = RunDirectory.read(directory);
    Path file = ModelCard.write(run, false);
    assertThat(ModelCard.isOurs(file)).isTrue();
    ModelCard.write(run, false);
    Files.writeString(file, "# Mine\n");
    assertThatThrownBy(() -> ModelCard.write(run, false)).hasMessageContaining("--force");
    assertThat(file).hasContent("# Mine\n");
    ModelCard.write(run, true);
    assertThat(ModelCard.isOurs(file)).isTrue();
  }

  @Test
  void aRunWithNothingButAHistoryHasACard() throws IOException {
    Path bare = Files.createDirectory(root.resolve("bare"));
    Files.copy(directory.resolve("trainer_log.jsonl"), bare.resolve("trainer_log.jsonl"));
    String card = ModelCard.text(RunDirectory.read(bare));
    HubMetadata.require(card);
    assertThat(card).contains("has not come to its end").doesNotContain("null");
    assertThatThrownBy(() -> RunDirectory.read(root)).hasMessageContaining("output_dir");
  }

  @Test
  void theTopOfACardIsReadInAnyForm() {
    assertThat(FrontMatter.parse("---\r\nlicense: mit\r\n---\r\n# x").get("license").asText())
        .isEqualTo("mit");
    assertThat(FrontMatter.parse("# no metadata\n---\nlicense: mit\n---\n")).isEmpty();
    assertThat(FrontMatter.parse("---\n[1, 2]\n---\n")).isEmpty();
    assertThat(FrontMatter.parse("---\n\"open: [\n---\n")).isEmpty();
  }

  @Test
  void aCardThatIsNoTextHasNoMetadata() throws IOException {
    Path card = root.resolve("README.md");
    Files.write(card, "---\nauthor: José\n---\n".getBytes(StandardCharsets.ISO_8859_1));
    assertThat(FrontMatter.of(card)).isEmpty();
    Files.writeString(card, "---\nauthor: José\n---\n");
    assertThat(FrontMatter.of(card).get("author").asText()).isEqualTo("José");
  }

  @Test
  void whatIsRoundedIsSaid() throws IOException {
    assertThat(card()).contains("**precision:** float32\n");
    Path config = directory.resolve("training_config.yaml");
    TestRun.replace(config, "seed: 42", "bf16: true # cpt.yaml line 2\nseed: 42");
    assertThat(card()).contains("**precision:** float32, activations kept in bfloat16\n");
    TestRun.replace(config, "seed: 42", "gradient_checkpointing: true # default\nseed: 42");
    assertThat(card()).contains("**precision:** float32\n");
  }

  @Test
  void aValueMayHoldWhatItsOriginBeginsWith() throws IOException {
    TestRun.replace(directory.resolve("training_config.yaml"), "runs/tw cpt", "runs # 1");
    RunDirectory run = RunDirectory.read(directory);
    assertThat(run.config().get("output_dir"))
        .isEqualTo(new RunDirectory.Setting("runs # 1", "--set output_dir"));
    assertThat(run.setting("seed")).contains("42");
  }

  @Test
  void aLineThatIsCutOffInTheMidstOfACharacterIsNone() throws IOException {
    Path samples = directory.resolve("samples.jsonl");
    byte[] whole = Files.readAllBytes(samples);
    byte[] more = Arrays.copyOf(whole, whole.length + 2);
    more[whole.length] = '{';
    more[whole.length + 1] = (byte) 0xE5;
    Files.write(samples, more);
    assertThat(RunDirectory.read(directory).samples()).hasSize(3);
  }

  @Test
  void theDevicesOfARecipeCountInItsBatch() throws IOException {
    TestRun.replace(
        directory.resolve("training_config.yaml"), "seed: 42", "world_size: 4 # 4 GPUs\nseed: 42");
    assertThat(card())
        .contains("**gradient_accumulation_steps:** 32", "**total_train_batch_size:** 128");
  }
}
