package dev.yushan.plugin;

/// What every provider found by [java.util.ServiceLoader] says of itself: backends, models,
/// optimizers.
public interface Plugin {
  /// The version of the interfaces in this module. A plugin compiled against another one is listed
  /// with the reason, and never called.
  int API_VERSION = 1;

  /// The name users select it by: lower case, unique among plugins of its kind.
  String name();

  /// The [#API_VERSION] that the plugin was compiled against. Implement it as `return
  /// Plugin.API_VERSION;`: the compiler puts the number in.
  int apiVersion();

  /// Where no name is given the usable plugin with the highest priority is taken.
  default int priority() {
    return 0;
  }

  /// Whether it can be used here. Never throws, and does no lasting work.
  default Availability probe() {
    return new Availability.Available("");
  }
}
