package dev.yushan.cli;

import dev.yushan.io.HfCache;
import dev.yushan.io.hub.HubRepo;
import dev.yushan.io.hub.HubSettings;
import dev.yushan.io.hub.Patterns;
import dev.yushan.io.hub.RepoType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `yushan download`: a model or dataset of the hub, into its cache.
@Command(
    name = "download",
    description = "Download a model or dataset of the Hugging Face Hub into its cache.",
    footer = {
      "%nPrints the directory with the files. The cache is that of the Python tools (HF_HOME); what"
          + " is in it is not downloaded again. Commands that take a model or a dataset by its name"
          + " download what they need themselves. For example:",
      "  yushan download lianghsun/Llama-3.2-Taiwan-3B --exclude 'original/*'",
      "  yushan download --repo-type dataset lianghsun/tw-law --include '*.parquet'",
      "  yushan download hf://datasets/lianghsun/tw-law@main/README.md"
    })
final class DownloadCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      index = "0",
      paramLabel = "NAME",
      description = "org/name, or hf://datasets/org/name@revision/path.")
  private String name;

  @Parameters(
      index = "1..*",
      paramLabel = "FILE",
      description = "Only these files; one that ends with / stands for all below it.")
  private List<String> files = new ArrayList<>();

  @Option(
      names = "--revision",
      paramLabel = "REVISION",
      description = "Branch, tag or commit (default: main).")
  private Optional<String> revision = Optional.empty();

  @Option(
      names = "--repo-type",
      paramLabel = "TYPE",
      description = "model or dataset (default: model).")
  private Optional<RepoType> type = Optional.empty();

  @Option(
      names = "--include",
      paramLabel = "GLOB",
      description = "Only files that match; may be given several times. * also matches /.")
  private List<String> include = new ArrayList<>();

  @Option(
      names = "--exclude",
      paramLabel = "GLOB",
      description = "No files that match; may be given several times.")
  private List<String> exclude = new ArrayList<>();

  @Option(
      names = "--cache-dir",
      paramLabel = "DIR",
      description = "The cache, in place of that of the environment (HF_HUB_CACHE, HF_HOME).")
  private Optional<Path> cache = Optional.empty();

  @Option(
      names = "--local-dir",
      paramLabel = "DIR",
      description =
          "Copy the files from the cache to DIR, as files of their own, and print that directory.")
  private Optional<Path> localDir = Optional.empty();

  @Option(
      names = "--token",
      paramLabel = "TOKEN",
      description =
          "In place of HF_TOKEN, which is better: others on this machine can see a command line.")
  private Optional<String> token = Optional.empty();

  @Option(
      names = "--local-files-only",
      description = "Download nothing: fail if the cache does not hold all.")
  private boolean localOnly;

  @Override
  public Integer call() {
    HubRepo.Address wanted = address();
    Patterns files = wanted(wanted.path());
    Path snapshot = HubChoice.hub(settings()).download(wanted.repo(), files);
    localDir.ifPresent(directory -> copy(snapshot, files, directory));
    spec.commandLine().getOut().println(localDir.orElse(snapshot));
    return 0;
  }

  /// What is there already stays; a file gets its name when it is whole.
  private static void copy(Path snapshot, Patterns files, Path directory) {
    try (Stream<Path> all = Files.walk(snapshot)) {
      List<String> there =
          all.filter(Files::isRegularFile)
              .map(file -> snapshot.relativize(file).toString().replace('\\', '/'))
              .toList();
      for (String file : files.of(there)) {
        Path from = snapshot.resolve(file).toRealPath();
        Path to = directory.resolve(file);
        if (!Files.isRegularFile(to) || Files.mismatch(from, to) >= 0) {
          Path part = to.resolveSibling(to.getFileName() + ".part");
          Files.createDirectories(to.getParent());
          Files.copy(from, part, StandardCopyOption.REPLACE_EXISTING);
          Files.move(part, to, StandardCopyOption.REPLACE_EXISTING);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(
          "--local-dir: %s cannot be written; free some space, or name another directory"
              .formatted(directory),
          e);
    }
  }

  private HubRepo.Address address() {
    if (!name.startsWith(HubRepo.SCHEME)) {
      return new HubRepo.Address(
          new HubRepo(type.orElse(RepoType.MODEL), name, revision.orElse(HfCache.DEFAULT_REVISION)),
          "");
    }
    if (type.isPresent() || revision.isPresent()) {
      throw new ParameterException(
          spec.commandLine(),
          "%s says type and revision itself; leave out --repo-type and --revision".formatted(name));
    }
    return HubRepo.parse(name);
  }

  private Patterns wanted(String path) {
    List<String> all = new ArrayList<>(include);
    all.addAll(files);
    if (!path.isEmpty()) {
      all.add(path);
    }
    return new Patterns(all, exclude);
  }

  /// The options as the variables that they stand for.
  private HubSettings settings() {
    Map<String, String> environment = new HashMap<>(System.getenv());
    cache.ifPresent(directory -> environment.put("HF_HUB_CACHE", directory.toString()));
    token.ifPresent(
        text -> {
          environment.remove("HF_HUB_DISABLE_IMPLICIT_TOKEN");
          environment.put("HF_TOKEN", text);
        });
    if (localOnly) {
      environment.put("HF_HUB_OFFLINE", "1");
    }
    return HubSettings.of(environment);
  }
}
