package dev.yushan.cli;

import dev.yushan.cli.bench.BenchCommand;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/// The `yushan` command: its sub-commands, one class each, and what all of them share.
///
/// Exit codes: 0 done, 1 failed (one line on standard error says why), 2 wrong usage.
@Command(
    name = "yushan",
    description = "Continued pre-training, inference and serving of Llama-class models on the JVM.",
    versionProvider = Version.class,
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "%nEnvironment:",
      "  YUSHAN_JAVA_HOME   the JDK to run on",
      "  YUSHAN_JAVA_OPTS   options for the JVM, such as -Xmx8g",
      "  YUSHAN_NO_BUILD    not empty: in a checkout, run what was built last",
      "  YUSHAN_CACHE       where tokenised data is kept, see docs/reference/data.md",
      "  TORNADOVM_HOME     an SDK of TornadoVM, see docs/how-to/use-a-gpu.md",
      "  YUSHAN_LOG         error, warn, info or debug",
      "  YUSHAN_DEBUG       not empty: as --stacktrace",
      "  HF_HOME, HF_TOKEN  and others: as for the Python tools, see docs/reference/hub.md"
    })
public final class Yushan implements Runnable {
  /// The sub-commands, in the order of the help.
  private static final List<Class<?>> COMMANDS =
      List.of(
          DemoCommand.class,
          PrepareCommand.class,
          DownloadCommand.class,
          TrainCommand.class,
          ConfigCommand.class,
          InferCommand.class,
          ServeCommand.class,
          EvalCommand.class,
          TokenizerCommand.class,
          FormatCommand.class,
          InitCommand.class,
          InspectCommand.class,
          ExportCommand.class,
          QuantizeCommand.class,
          ReportCommand.class,
          CardCommand.class,
          BackendsCommand.class,
          BenchCommand.class,
          HelpCommand.class);

  @Spec private CommandSpec spec;

  @Option(
      names = "--stacktrace",
      scope = ScopeType.INHERIT,
      description = "Show the stack trace of a failure.")
  private boolean stacktrace;

  private Yushan() {}

  /// Runs the command line and ends the JVM with its exit code.
  public static void main(String[] args) {
    System.exit(execute(args));
  }

  /// Runs the command line; returns the exit code.
  static int execute(String... args) {
    return execute(COMMANDS, args);
  }

  /// Runs the command line with the given sub-commands; returns the exit code.
  static int execute(List<Class<?>> commands, String... args) {
    Yushan yushan = new Yushan();
    CommandLine line = commandLine(yushan, needed(commands, args));
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setUsageHelpAutoWidth(true);
    line.setParameterExceptionHandler(Failures::usage);
    line.setExecutionExceptionHandler(
        (failure, command, parsed) -> Failures.report(failure, command, yushan.stacktrace));
    // made here, one for all sub-commands, so that it can be flushed at the end
    PrintWriter out = line.getOut();
    try {
      if (line.getSubcommands().get("serve") instanceof CommandLine serve) {
        ServeDefaults.on(serve, List.of(args), System.getenv());
      }
      int exit = line.execute(ServeDefaults.named(args));
      out.flush();
      if (exit == 0) {
        if (!StandardOutput.sound() && StandardOutput.readerHasGone()) {
          return StandardOutput.READER_HAS_GONE;
        }
        StandardOutput.requireSound();
      }
      return exit;
    } catch (IllegalArgumentException
        | IllegalStateException
        | UncheckedIOException
        | Error failure) {
      return Failures.report(failure, line, yushan.stacktrace);
    }
  }

  /// The command that is called, none for the version, else all: to build the model of every
  /// command takes longer than the JVM does to start.
  private static List<Class<?>> needed(List<Class<?>> commands, String[] args) {
    String first = args.length == 0 ? "" : args[0];
    if (first.equals("--version")) {
      return List.of();
    }
    // help is about another command
    List<Class<?>> called = commands.stream().filter(type -> name(type).equals(first)).toList();
    return called.isEmpty() || called.contains(HelpCommand.class) ? commands : called;
  }

  private static String name(Class<?> command) {
    return command.getAnnotation(Command.class).name();
  }

  /// How this program was called, for commands that a message shows.
  static String called() {
    return System.getProperty("yushan.command", "yushan");
  }

  /// The command line as users see it: what the reference page is made from.
  static CommandLine commandLine() {
    return commandLine(new Yushan(), COMMANDS);
  }

  private static CommandLine commandLine(Yushan yushan, List<Class<?>> commands) {
    CommandLine line = new CommandLine(yushan);
    commands.forEach(line::addSubcommand);
    line.getSubcommands().values().forEach(Yushan::addStandardOptions);
    return line;
  }

  private static void addStandardOptions(CommandLine command) {
    if (!command.getCommandSpec().helpCommand()) {
      command.getCommandSpec().mixinStandardHelpOptions(true).versionProvider(new Version());
    }
    command.getSubcommands().values().forEach(Yushan::addStandardOptions);
  }

  @Override
  public void run() {
    PrintWriter out = spec.commandLine().getOut();
    spec.commandLine().usage(out, spec.commandLine().getColorScheme());
  }
}
