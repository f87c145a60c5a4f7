package dev.yushan.cli;

import static com.tngtech.archunit.lang.conditions.ArchConditions.dependOnClassesThat;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noMethods;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS;
import static com.tngtech.archunit.library.GeneralCodingRules.NO_CLASSES_SHOULD_USE_JAVA_UTIL_LOGGING;
import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.mapping;
import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// The boundaries of the modules, on the classes that the distribution holds.
class ArchitectureTest {
  /// What each module may name, itself left out. Backends are in no list: `ServiceLoader` finds
  /// them.
  private static final Map<String, Set<String>> MAY_NAME =
      Map.of(
          "api", Set.of(),
          "backend-cpu", Set.of("api"),
          "backend-tornado-gpu", Set.of("api"),
          "trainer", Set.of("api"),
          "server", Set.of("api"),
          "cli", Set.of("api", "trainer", "server"));

  private static final Pattern MODULE =
      Pattern.compile("/(?:([^/]+)/target/classes/|yushan-([^/]+?)-[0-9][^/]*\\.jar!)");

  private static JavaClasses main;

  @BeforeAll
  static void importMainClasses() {
    main =
        new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .withImportOption(location -> !location.contains("-tests.jar"))
            .withImportOption(location -> moduleAt(location.toString()).matches("[a-z-]+"))
            .importPackages("dev.yushan");
  }

  @Test
  void everyModuleWithSourcesIsSeenAndHasItsPlace() throws IOException {
    Set<String> withSources;
    try (Stream<Path> modules = Files.list(Path.of("").toAbsolutePath().getParent())) {
      withSources =
          modules
              .filter(ArchitectureTest::hasSources)
              .map(module -> module.getFileName().toString())
              .collect(toSet());
    }
    assertThat(withSources).contains("api", "cli");
    assertThat(MAY_NAME.keySet()).containsAll(withSources);
    assertThat(main.stream().map(ArchitectureTest::module).collect(toSet()))
        .containsExactlyInAnyOrderElementsOf(withSources);
  }

  @Test
  void dependenciesPointOneWay() {
    for (String module : MAY_NAME.keySet()) {
      noClasses()
          .that(in(module))
          .should(
              dependOnClassesThat(
                  describe(
                      "belong to another module than " + MAY_NAME.get(module),
                      other ->
                          !module(other).isEmpty()
                              && !module(other).equals(module)
                              && !MAY_NAME.get(module).contains(module(other)))))
          .allowEmptyShould(true)
          .check(main);
    }
  }

  @Test
  void internalPackagesStayInsideTheirModule() {
    for (String module : MAY_NAME.keySet()) {
      noClasses()
          .that(in(module))
          .should(
              dependOnClassesThat(
                  describe(
                      "are internal to another module",
                      other ->
                          other.getPackageName().matches(".*\\.internal(\\..*)?")
                              && !module(other).isEmpty()
                              && !module(other).equals(module))))
          .allowEmptyShould(true)
          .check(main);
    }
  }

  @Test
  void aPackageLivesInOneModule() {
    Map<String, Set<String>> modules =
        main.stream()
            .collect(
                groupingBy(JavaClass::getPackageName, mapping(ArchitectureTest::module, toSet())));
    assertThat(modules).isNotEmpty().allSatisfy((name, in) -> assertThat(in).as(name).hasSize(1));
  }

  @Test
  void theEngineKnowsNoHttpAndTheServiceNoTensors() {
    noClasses()
        .that()
        .resideInAPackage("dev.yushan.engine..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("dev.yushan.http..", "io.vertx..", "io.micrometer..")
        .check(main);
    noClasses()
        .that()
        .resideInAPackage("dev.yushan.http..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("dev.yushan.tensor..", "dev.yushan.backend..", "dev.yushan.autograd..")
        .check(main);
  }

  @Test
  void onlyTheCommandLineWritesToTheTerminal() {
    NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS.check(
        main.that(describe("outside cli", type -> !module(type).equals("cli"))));
    NO_CLASSES_SHOULD_USE_JAVA_UTIL_LOGGING.check(main);
  }

  @Test
  void noInternalsOfTheJdkAndNoFinalizers() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("sun..", "jdk.internal..")
        .check(main);
    noMethods().should().haveName("finalize").check(main);
  }

  @Test
  void namesSayWhatAThingIs() {
    classes()
        .should()
        .haveNameNotMatching(".*(Manager|Helper|Helpers|Util|Utils|Impl)(\\$.*)?")
        .check(main);
  }

  private static boolean hasSources(Path module) {
    Path directory = module.resolve("src/main/java");
    if (!Files.isDirectory(directory)) {
      return false;
    }
    try (Stream<Path> files = Files.walk(directory)) {
      return files.anyMatch(file -> file.toString().endsWith(".java"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static DescribedPredicate<JavaClass> in(String module) {
    return describe("are in " + module, type -> module(type).equals(module));
  }

  private static DescribedPredicate<JavaClass> describe(
      String description, java.util.function.Predicate<JavaClass> predicate) {
    return DescribedPredicate.describe(description, predicate);
  }

  /// The directory name of the module that a class comes from; empty for a class from elsewhere.
  private static String module(JavaClass type) {
    return type.getSource().map(source -> moduleAt(source.getUri().toString())).orElse("");
  }

  private static String moduleAt(String location) {
    Matcher matcher = MODULE.matcher(location);
    if (!matcher.find()) {
      return "";
    }
    return matcher.group(1) == null ? matcher.group(2) : matcher.group(1);
  }
}
