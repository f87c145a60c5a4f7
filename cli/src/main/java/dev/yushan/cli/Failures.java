package dev.yushan.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.yushan.io.JsonFault;
import dev.yushan.plugin.PluginException;
import dev.yushan.text.TokenizerFormatException;
import dev.yushan.train.ConfigException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/// Turns what was thrown into one line for the user.
final class Failures {
  private Failures() {}

  /// Prints what is wrong with the command line and where help is; returns the exit code.
  static int usage(ParameterException wrong, String[] args) {
    CommandLine command = wrong.getCommandLine();
    PrintWriter err = command.getErr();
    err.println(line(command, usageMessage(wrong, command)));
    UnmatchedArgumentException.printSuggestions(wrong, err);
    err.printf("See '%s --help'.%n", command.getCommandSpec().qualifiedName());
    return command.getCommandSpec().exitCodeOnInvalidInput();
  }

  private static String usageMessage(ParameterException wrong, CommandLine command) {
    if (command.getDefaultValueProvider() instanceof ServeDefaults) {
      return VllmOptions.advice(wrong).orElseGet(() -> sourced(wrong, command));
    }
    return wrong instanceof UnmatchedArgumentException unmatched
            && !unmatched.isUnknownOption()
            && !command.getSubcommands().isEmpty()
        ? "unknown command '" + unmatched.getUnmatched().getFirst() + "'"
        : sourced(wrong, command);
  }

  /// With the place that the value is from, if that is not the command line.
  private static String sourced(ParameterException wrong, CommandLine command) {
    String message = wrong.getMessage();
    return command.getDefaultValueProvider() instanceof ServeDefaults defaults
            && wrong.getArgSpec() instanceof OptionSpec option
            && defaults.defaultValue(option) instanceof String value
            && message.contains(value)
        ? defaults.blamed(option, message)
        : message;
  }

  /// Prints the failure of a command; returns the exit code.
  static int report(Throwable failure, CommandLine command, boolean stacktrace) {
    PrintWriter err = command.getErr();
    Throwable cause = unwrap(failure);
    err.println(line(command, message(cause)));
    String debug = System.getenv("YUSHAN_DEBUG");
    if (stacktrace || (debug != null && !debug.isEmpty())) {
      failure.printStackTrace(err);
    } else if (isDefect(cause)) {
      err.println("This looks like a defect: --stacktrace shows where it happened.");
    }
    err.flush();
    return isWrongUsage(cause)
        ? command.getCommandSpec().exitCodeOnInvalidInput()
        : command.getCommandSpec().exitCodeOnExecutionException();
  }

  /// Whether the same would fail again whenever it is asked for: by its options, their values, or
  /// the configuration that they name.
  private static boolean isWrongUsage(Throwable failure) {
    return failure instanceof IllegalArgumentException
            && !(failure instanceof TokenizerFormatException)
            && !isDefect(failure)
        || failure instanceof ConfigException
        || failure instanceof PluginException;
  }

  private static String line(CommandLine command, String message) {
    return command.getColorScheme().errorText("yushan: " + message).toString();
  }

  /// The throwable that says most: wrappers without a message of their own are taken off.
  private static Throwable unwrap(Throwable failure) {
    boolean wrapper =
        failure instanceof UncheckedIOException
            || failure instanceof ExecutionException
            || failure instanceof CompletionException;
    Throwable cause = failure.getCause();
    if (!wrapper || cause == null) {
      return failure;
    }
    return cause.toString().equals(failure.getMessage()) ? unwrap(cause) : failure;
  }

  /// Never empty, and a sentence even where the exception carries a bare file name.
  static String message(Throwable failure) {
    String detail = failure.getMessage() == null ? "" : failure.getMessage().strip();
    return switch (failure) {
      case NoSuchFileException e -> fileMessage(e, "no such file or directory");
      case AccessDeniedException e -> fileMessage(e, "permission denied");
      case FileAlreadyExistsException e -> fileMessage(e, "exists already");
      case OutOfMemoryError e ->
          "out of memory (%s); heap was limited to %d MiB: set YUSHAN_JAVA_OPTS=-Xmx… for more"
              .formatted(detail, Runtime.getRuntime().maxMemory() >> 20);
      default -> isDefect(failure) ? failure.toString() : withCause(detail, failure.getCause());
    };
  }

  /// A wrapper says what was tried and its cause why it failed.
  private static String withCause(String detail, Throwable cause) {
    if (cause == null || cause.getMessage() == null || isDefect(cause)) {
      return detail;
    }
    if (cause instanceof JsonProcessingException json) {
      JsonFault fault = JsonFault.of(json);
      return detail.contains(fault.what()) ? detail : detail + ": " + fault;
    }
    String why = message(cause);
    if (detail.contains(why) || detail.contains(cause.getMessage())) {
      return detail;
    }
    if (cause instanceof FileSystemException file
        && !(cause instanceof NoSuchFileException)
        && file.getFile() != null
        && detail.contains(file.getFile())) {
      // the file is named already, but perhaps not what is wrong with it
      return file.getReason() != null && detail.contains(file.getReason())
          ? detail
          : detail + ": " + why.replace(file.getFile(), "").replaceFirst("^[: ]+", "");
    }
    return detail + ": " + why;
  }

  private static String fileMessage(FileSystemException e, String what) {
    return e.getReason() != null || e.getFile() == null
        ? e.getMessage()
        : e.getFile() + ": " + what;
  }

  private static boolean isDefect(Throwable failure) {
    return failure instanceof NullPointerException
        || failure instanceof IndexOutOfBoundsException
        || failure instanceof ClassCastException
        || failure instanceof ArithmeticException
        || failure instanceof NumberFormatException
        || failure instanceof LinkageError
        || failure instanceof AssertionError
        || failure.getMessage() == null;
  }
}
