package dev.yushan.backend.cpu;

import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendException;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.BackendProvider;
import dev.yushan.plugin.Availability;
import dev.yushan.plugin.Plugin;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The `cpu` backend: pure Java on the Vector API, on all cores.
///
/// This class does not touch the Vector API, so that it can say what is missing where that is not
/// loaded.
public final class CpuBackendProvider implements BackendProvider {
  private static final Logger LOG = LoggerFactory.getLogger(CpuBackendProvider.class);

  /// More than there are processors is of use to tests only.
  private static final int MOST_THREADS = 64;

  private static final String VECTOR_MODULE = "jdk.incubator.vector";
  private static final Runtime.Version OLDEST = Runtime.Version.parse("25.0.3");

  @Override
  public String name() {
    return "cpu";
  }

  @Override
  public int apiVersion() {
    return Plugin.API_VERSION;
  }

  @Override
  public int priority() {
    return 10;
  }

  @Override
  public Availability probe() {
    return probe(Runtime.version(), ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent());
  }

  static Availability probe(Runtime.Version version, boolean vectorApi) {
    if (version.compareToIgnoreOptional(OLDEST) < 0) {
      return new Availability.Unavailable(
          "Java " + version + " is older than " + OLDEST,
          "install JDK %s or newer and let JAVA_HOME name it; 25.0.0 to 25.0.2 can corrupt memory"
                  .formatted(OLDEST)
              + " with the G1 collector");
    }
    if (!vectorApi) {
      return new Availability.Unavailable(
          "the Vector API (module " + VECTOR_MODULE + ") is not loaded",
          "start Java with --add-modules " + VECTOR_MODULE);
    }
    int threads = Runtime.getRuntime().availableProcessors();
    String count = threads == 1 ? "1 thread" : threads + " threads";
    return new Availability.Available(count + ", " + CpuBackend.vectors());
  }

  /// Opens the backend. It knows no devices, and one setting of its own: `memory_bytes`, the most
  /// memory it may hold.
  @Override
  public Backend open(BackendOptions options) {
    if (probe() instanceof Availability.Unavailable missing) {
      throw new BackendException(
          "the cpu backend cannot run: %s; %s".formatted(missing.reason(), missing.remedy()));
    }
    if (options.device().isPresent()) {
      throw new BackendException(
          "the cpu backend has no device '%s': leave the device out"
              .formatted(options.device().get()));
    }
    if (options.experimentalCuda()) {
      throw new BackendException(
          "the cpu backend has no CUDA: leave --experimental-cuda out, or use --backend tornado");
    }
    int processors = Runtime.getRuntime().availableProcessors();
    int threads = options.threads() > 0 ? options.threads() : processors;
    int most = Math.max(MOST_THREADS, processors);
    if (threads > most) {
      throw new BackendException(
          "%d threads are more than the cpu backend takes: at most %d; there are %d processors"
              .formatted(threads, most, processors));
    }
    if (threads > processors) {
      LOG.warn(
          "{} threads on {} processor(s): they take turns, which is slower than one for each; lower"
              + " the number, or leave it out",
          threads,
          processors);
    }
    return new CpuBackend(threads, options);
  }
}
