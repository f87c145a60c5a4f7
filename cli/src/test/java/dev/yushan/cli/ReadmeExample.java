package dev.yushan.cli;

// tag::example[]
import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.Backends;
import dev.yushan.generate.Generator;
import dev.yushan.generate.SamplingParams;
import dev.yushan.generate.TextGenerator;
import dev.yushan.model.CausalLM;
import dev.yushan.model.Models;
import dev.yushan.tensor.DType;
import dev.yushan.text.Tokenizers;
import dev.yushan.train.TrainingConfig;
import dev.yushan.train.TrainingListener;
import dev.yushan.train.TrainingRun;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

class ReadmeExample {
  static String trainAndComplete(Path yaml, String prompt) {
    TrainingConfig config = TrainingConfig.read(yaml, Map.of());
    Path trained = Path.of(config.text("output_dir"));
    try (Backend backend = Backends.open(Optional.empty(), BackendOptions.defaults())) {
      TrainingRun.run(config, backend, new TrainingListener() {});
      try (CausalLM model = Models.load(backend, trained, DType.F32, false);
          Generator generator = new Generator(backend, model, 256)) {
        return new TextGenerator(generator, Tokenizers.load(trained))
            .complete(prompt, SamplingParams.greedy(32), System.out::print)
            .text();
      }
    }
  }
}
// end::example[]
