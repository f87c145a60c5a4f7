package dev.yushan.plugin;

import static org.assertj.core.api.Assertions.assertThat;

import dev.yushan.backend.Feature;
import java.io.IOException;
import java.lang.reflect.Executable;
import java.lang.reflect.Field;
import java.lang.reflect.Member;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// What plugins are compiled against is written down in `docs/reference/plugin-api.txt`: the
/// [Plugin#API_VERSION], then a line for each public or protected type and member. A change shows
/// there, and one that breaks a plugin needs a higher version.
///
/// A member counts where it is declared: one that moves to a supertype is held for removed. A new
/// constant of an enum is harmless, since a plugin denies what it does not know ([Feature]).
class PluginApiTest {
  private static final Path LISTING = Path.of("../docs/reference/plugin-api.txt");
  private static final String VERSION = "apiVersion ";
  private static final String WRITE = "yushan.api.write";
  private static final String HOW =
      "write docs/reference/plugin-api.txt anew by%nmvn package -pl api -Dtest=PluginApiTest -D"
          + WRITE
          + "=true";

  /// Of the package of Llama those that other models use too.
  private static final Pattern TYPES =
      Pattern.compile(
          "dev\\.yushan\\.(plugin|backend|tensor|autograd|model|optim)\\.[^.]+"
              + "|dev\\.yushan\\.model\\.llama\\.Rope[^.]*");

  /// Which every type has.
  private static final Set<String> OF_OBJECT = Set.of("equals", "hashCode", "toString");

  @Test
  void whatBreaksAPluginRaisesTheVersion() throws IOException, URISyntaxException {
    List<String> recorded = Files.readAllLines(LISTING);
    int version = Integer.parseInt(recorded.getFirst().substring(VERSION.length()));
    Set<String> then = new TreeSet<>(recorded.subList(1, recorded.size()));
    Set<String> now = lines();
    if (Plugin.API_VERSION <= version) {
      assertThat(breaking(then, now))
          .as(
              "breaks plugins compiled against API %d: undo it, or raise Plugin.API_VERSION to %d"
                  + " and "
                  + HOW,
              version,
              version + 1)
          .isEmpty();
    }
    if (Boolean.getBoolean(WRITE)) {
      Files.write(
          LISTING, Stream.concat(Stream.of(VERSION + Plugin.API_VERSION), now.stream()).toList());
      return;
    }
    assertThat(changes(then, now)).as("not in the listing: " + HOW).isEmpty();
    assertThat(version).as("version of the listing: " + HOW).isEqualTo(Plugin.API_VERSION);
  }

  @Test
  void whatIsGoneOrChangedOrToBeImplementedBreaks() {
    Set<String> then = Set.of("a.B: public interface", "a.B: public abstract int size()");
    List<String> harmless =
        List.of(
            "a.B: public default int rows()",
            "a.C: public abstract int n()",
            "a.E: public static final a.E LATER");
    assertThat(breaking(then, with(then, harmless))).isEmpty();
    assertThat(breaking(with(then, harmless), then)).hasSize(3);
    assertThat(breaking(then, with(then, List.of("a.B: public abstract int columns()"))))
        .containsExactly("+ a.B: public abstract int columns()");
    assertThat(breaking(then, Set.of("a.B: public interface", "a.B: public abstract long size()")))
        .contains("- a.B: public abstract int size()");
  }

  private static Set<String> with(Set<String> lines, Collection<String> others) {
    return Stream.of(lines, others).flatMap(Collection::stream).collect(Collectors.toSet());
  }

  /// Lines that went, after a minus, and lines that came, after a plus.
  private static List<String> changes(Set<String> then, Set<String> now) {
    return Stream.concat(
            then.stream().filter(line -> !now.contains(line)).map(line -> "- " + line),
            now.stream().filter(line -> !then.contains(line)).map(line -> "+ " + line))
        .toList();
  }

  /// What went, and methods that whoever implements a type does not have yet.
  private static List<String> breaking(Set<String> then, Set<String> now) {
    Set<String> types = then.stream().map(PluginApiTest::type).collect(Collectors.toSet());
    return changes(then, now).stream()
        .filter(
            change ->
                change.startsWith("-")
                    || change.contains(" abstract ") && types.contains(type(change.substring(2))))
        .toList();
  }

  private static String type(String line) {
    return line.substring(0, line.indexOf(':'));
  }

  // ---- the lines -------------------------------------------------------------------------------

  private static Set<String> lines() throws IOException, URISyntaxException {
    Path classes =
        Path.of(Plugin.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    try (Stream<Path> files = Files.walk(classes)) {
      return files
          .map(file -> classes.relativize(file).toString())
          .filter(file -> file.endsWith(".class"))
          .map(file -> file.replace(".class", "").replaceAll("[/\\\\]", "."))
          .filter(TYPES.asMatchPredicate())
          .map(PluginApiTest::load)
          .filter(PluginApiTest::visible)
          .flatMap(PluginApiTest::lines)
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }

  private static Class<?> load(String name) {
    try {
      return Class.forName(name, false, Plugin.class.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Stream<String> lines(Class<?> type) {
    Stream<String> supertypes =
        Stream.concat(
                Stream.ofNullable(type.getGenericSuperclass()),
                Arrays.stream(type.getGenericInterfaces()))
            .map(Type::getTypeName);
    String declaration =
        type.toGenericString() + supertypes.collect(Collectors.joining(", ", " : ", ""));
    Stream<String> fields =
        Arrays.stream(type.getDeclaredFields())
            .filter(PluginApiTest::visible)
            .map(Field::toGenericString);
    Stream<String> methods =
        Stream.of(type.getDeclaredConstructors(), type.getDeclaredMethods())
            .flatMap(Arrays::stream)
            .filter(method -> visible(method) && !OF_OBJECT.contains(method.getName()))
            .map(Executable::toGenericString);
    String prefix = type.getName() + ".";
    return Stream.of(Stream.of(declaration), fields, methods)
        .flatMap(lines -> lines)
        .map(line -> type.getName() + ": " + line.replace(prefix, ""));
  }

  private static boolean visible(Class<?> type) {
    return visible(type.getModifiers())
        && (type.getEnclosingClass() == null || visible(type.getEnclosingClass()));
  }

  private static boolean visible(Member member) {
    return visible(member.getModifiers()) && !member.isSynthetic();
  }

  private static boolean visible(int modifiers) {
    return Modifier.isPublic(modifiers) || Modifier.isProtected(modifiers);
  }
}
