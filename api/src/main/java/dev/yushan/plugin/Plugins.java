package dev.yushan.plugin;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLConnection;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// All plugins of one kind that are on the class path: found, checked and explained.
///
/// Providers are instantiated one by one, so that one that fails to load becomes a row in the list
/// rather than the end of the list.
///
/// @param <P> the provider interface, for example `BackendProvider`
public final class Plugins<P extends Plugin> {
  /// One line of the list: a plugin, or what is left of one that failed to load.
  ///
  /// @param name its name, or the class or jar that failed
  /// @param origin the jar or folder that it came from
  /// @param plugin empty if it cannot be called
  public record Row<P extends Plugin>(
      String name, String origin, Optional<P> plugin, Availability availability) {}

  private static final String NAMELESS = "?";
  private static final Logger LOG = LoggerFactory.getLogger(Plugins.class);

  private final String kind;
  private final List<Row<P>> rows;

  private Plugins(String kind, List<Row<P>> rows) {
    this.kind = kind;
    this.rows = rows;
  }

  /// Finds all providers of `type`.
  ///
  /// @param kind what to call one in a message, for example `backend`
  /// @throws PluginException if two of them have the same name
  public static <P extends Plugin> Plugins<P> load(Class<P> type, String kind) {
    return load(ServiceLoader.load(type), kind);
  }

  static <P extends Plugin> Plugins<P> load(ServiceLoader<P> loader, String kind) {
    List<Row<P>> rows = new ArrayList<>();
    Iterator<ServiceLoader.Provider<P>> found = loader.stream().iterator();
    while (true) {
      try {
        if (!found.hasNext()) {
          break;
        }
        rows.add(row(found.next()));
      } catch (ServiceConfigurationError | LinkageError e) {
        rows.add(failed(NAMELESS, registrar(e), e));
      }
    }
    rows.sort(
        Comparator.comparing((Row<P> row) -> row.plugin().map(Plugin::priority).orElse(0))
            .reversed()
            .thenComparing(Row::name));
    refuseTwins(kind, rows);
    return new Plugins<>(kind, List.copyOf(rows));
  }

  private static <P extends Plugin> Row<P> row(ServiceLoader.Provider<P> provider) {
    String name = provider.type().getName(); // until it has told its own
    String origin = origin(provider.type());
    try {
      P plugin = provider.get();
      name = plugin.name();
      if (plugin.apiVersion() != Plugin.API_VERSION) {
        return new Row<>(
            name,
            origin,
            Optional.empty(),
            new Availability.Unavailable(
                "built for plugin API %d, and API %d is that of %s"
                    .formatted(plugin.apiVersion(), Plugin.API_VERSION, origin(Plugin.class)),
                "use a build of " + origin + " for this version"));
      }
      return new Row<>(name, origin, Optional.of(plugin), plugin.probe());
    } catch (ServiceConfigurationError | LinkageError | RuntimeException e) {
      return failed(name, origin, e);
    }
  }

  private static <P extends Plugin> Row<P> failed(String name, String origin, Throwable e) {
    Throwable cause = e.getCause() == null ? e : e.getCause();
    return new Row<>(
        name,
        origin,
        Optional.empty(),
        new Availability.Unavailable(
            "failed to load: " + cause, "remove " + origin + " or add what it needs beside it"));
  }

  /// The jar or folder that registers the class which `e` says is not there. The loader of services
  /// does not tell, so the registrations are searched for the name.
  private static String registrar(Throwable e) {
    String message = String.valueOf(e.getMessage());
    String service = message.substring(0, Math.max(0, message.indexOf(':')));
    try {
      ClassLoader loader = Thread.currentThread().getContextClassLoader();
      for (URL file : Collections.list(loader.getResources("META-INF/services/" + service))) {
        if (registered(file).anyMatch(name -> message.contains(" " + name + " "))) {
          return path(file).replaceFirst("!?/META-INF/.*", "");
        }
      }
    } catch (IOException unreadable) {
      LOG.debug("registrations of {} cannot be read", service, unreadable);
    }
    return "the jar in question";
  }

  private static Stream<String> registered(URL registration) throws IOException {
    URLConnection connection = registration.openConnection();
    connection.setUseCaches(false);
    try (InputStream in = connection.getInputStream()) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .map(line -> line.replaceFirst("#.*", "").strip())
          .filter(name -> !name.isEmpty());
    }
  }

  private static String origin(Class<?> type) {
    CodeSource source = type.getProtectionDomain().getCodeSource();
    URL location = source == null ? null : source.getLocation();
    return location == null ? type.getName() : path(location);
  }

  /// As a user would write it: in a URL, blanks and all beyond ASCII are escaped.
  private static String path(URL location) {
    String escaped = location.getPath().replaceFirst("^file:", "");
    return URLDecoder.decode(escaped.replace("+", "%2B"), StandardCharsets.UTF_8);
  }

  private static <P extends Plugin> void refuseTwins(String kind, List<Row<P>> rows) {
    Map<String, Row<P>> byName = new HashMap<>();
    for (Row<P> row : rows) {
      Row<P> twin = row.plugin().isPresent() ? byName.put(row.name(), row) : null;
      if (twin != null) {
        throw new PluginException(
            "two %ss are named '%s': %s and %s; remove one of the jars"
                .formatted(kind, row.name(), twin.origin(), row.origin()));
      }
    }
  }

  /// All rows, highest priority first.
  public List<Row<P>> rows() {
    return rows;
  }

  /// The plugin called `name`.
  ///
  /// @throws PluginException if there is none or it cannot be used here; the message lists what is
  ///   known or says why and what would help
  public P named(String name) {
    Row<P> row =
        rows.stream()
            .filter(r -> r.name().equals(name))
            .findFirst()
            .orElseThrow(
                () ->
                    new PluginException(
                        "no %s is named '%s'; known: %s".formatted(kind, name, names())));
    return usable(row);
  }

  /// The usable plugin with the highest priority.
  ///
  /// @throws PluginException if none is usable; the message has every reason
  public P best() {
    return rows.stream()
        .filter(row -> row.plugin().isPresent() && row.availability().usable())
        .findFirst()
        .flatMap(Row::plugin)
        .orElseThrow(() -> new PluginException("no usable " + kind + ": " + reasons()));
  }

  private P usable(Row<P> row) {
    if (row.availability() instanceof Availability.Unavailable(String reason, String remedy)) {
      throw new PluginException(
          "%s '%s' cannot be used here: %s; %s".formatted(kind, row.name(), reason, remedy));
    }
    return row.plugin().orElseThrow();
  }

  /// Why those cannot be called that were found and cannot: empty if all can.
  public String failures() {
    return rows.stream()
        .filter(row -> row.plugin().isEmpty())
        .map(row -> row.name() + " of " + row.origin() + ": " + why(row.availability()))
        .collect(Collectors.joining("; "));
  }

  private String names() {
    return rows.isEmpty()
        ? "none (is the jar on the class path or in plugins/?)"
        : rows.stream()
            .map(Row::name)
            .filter(name -> !name.equals(NAMELESS))
            .collect(Collectors.joining(", "));
  }

  private static String why(Availability availability) {
    return switch (availability) {
      case Availability.Available(String detail) -> detail;
      case Availability.Unavailable(String reason, String remedy) -> reason + "; " + remedy;
    };
  }

  private String reasons() {
    return rows.isEmpty()
        ? names()
        : rows.stream()
            .map(row -> row.name() + ": " + why(row.availability()))
            .collect(Collectors.joining("; "));
  }
}
