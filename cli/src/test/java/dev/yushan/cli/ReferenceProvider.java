package dev.yushan.cli;

import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.BackendProvider;
import dev.yushan.backend.testkit.ReferenceBackend;
import dev.yushan.plugin.Plugin;

/// Offers the reference backend to the tests of the commands, after all real ones.
public final class ReferenceProvider implements BackendProvider {
  @Override
  public String name() {
    return "reference";
  }

  @Override
  public int apiVersion() {
    return Plugin.API_VERSION;
  }

  @Override
  public int priority() {
    return -1;
  }

  @Override
  public Backend open(BackendOptions options) {
    return ReferenceBackend.float32();
  }
}
