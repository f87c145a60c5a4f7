package dev.yushan.cli;

import dev.yushan.io.hub.Hub;
import dev.yushan.io.hub.HubProgress;
import dev.yushan.io.hub.HubSettings;
import dev.yushan.io.hub.ModelFiles;
import dev.yushan.model.Models;
import java.nio.file.Path;

/// Names of the hub in options: what is not in the cache is downloaded, shown on standard error.
final class HubChoice {
  private HubChoice() {}

  /// The directory of a model that is named by its directory or its id.
  static Path model(String name, String revision, ModelFiles files) {
    Models.requireNoGguf(Path.of(name));
    return hub(HubSettings.ofEnvironment()).model(name, revision, files);
  }

  static Hub hub(HubSettings settings) {
    if (!settings.progressBars()) {
      return new Hub(settings, HubProgress.silent());
    }
    return new Hub(
        settings, Terminal.ERROR.isThere() ? new DownloadBar(System.err) : HubProgress.logged());
  }
}
