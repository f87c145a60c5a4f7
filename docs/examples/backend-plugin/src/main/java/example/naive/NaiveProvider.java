package example.naive;

import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.BackendProvider;
import dev.yushan.plugin.Plugin;

/// What [java.util.ServiceLoader] finds: `--backend naive`. Its priority is below that of every
/// real backend, so that nobody gets it who did not ask for it.
public final class NaiveProvider implements BackendProvider {
  @Override
  public String name() {
    return "naive";
  }

  @Override
  public int apiVersion() {
    return Plugin.API_VERSION;
  }

  @Override
  public int priority() {
    return -100;
  }

  @Override
  public Backend open(BackendOptions options) {
    return new NaiveBackend(options);
  }
}
