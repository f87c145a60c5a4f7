package dev.yushan.backend;

import dev.yushan.plugin.Plugins;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Looks up backends. What [#open] returns checks every call before the backend sees it.
public final class Backends {
  private static final Logger LOG = LoggerFactory.getLogger(Backends.class);

  private Backends() {}

  /// All backends on the class path, usable or not.
  public static Plugins<BackendProvider> all() {
    return Plugins.load(BackendProvider.class, "backend");
  }

  /// Opens the backend called `name`, or without a name the usable one with the highest priority,
  /// and logs which and why.
  ///
  /// @throws dev.yushan.plugin.PluginException if there is no such backend or it cannot be used
  /// @throws BackendException if it cannot be opened with these options
  public static Backend open(Optional<String> name, BackendOptions options) {
    Plugins<BackendProvider> plugins = all();
    BackendProvider provider = name.map(plugins::named).orElseGet(plugins::best);
    Backend backend = checked(provider.open(options));
    if (options.asserting()) {
      backend = AssertingBackend.over(backend).requiringFinite();
    }
    LOG.info(
        "backend {}: {} ({})",
        provider.name(),
        backend.description(),
        name.isPresent() ? "chosen by name" : "highest priority of those available");
    return backend;
  }

  /// The same backend with every kernel call checked for shapes, types, lifetimes and overlap.
  public static Backend checked(Backend backend) {
    return backend instanceof CheckedBackend ? backend : new CheckedBackend(backend);
  }
}
