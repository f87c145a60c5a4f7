package dev.yushan.backend.tornado;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Optional;

/// Functions of a library of the system, each of which answers with a status.
final class NativeLibrary {
  private NativeLibrary() {}

  /// The symbols of the first of some libraries that the loader finds.
  @SuppressWarnings("restricted")
  static Optional<SymbolLookup> first(List<String> names) {
    for (String name : names) {
      try {
        return Optional.of(SymbolLookup.libraryLookup(name, Arena.global()));
      } catch (IllegalArgumentException e) {
        // the next
      }
    }
    return Optional.empty();
  }

  /// The function of this name, if it is there.
  @SuppressWarnings("restricted")
  static Optional<MethodHandle> function(
      SymbolLookup symbols, String name, MemoryLayout... arguments) {
    return symbols
        .find(name)
        .map(
            at ->
                Linker.nativeLinker()
                    .downcallHandle(at, FunctionDescriptor.of(JAVA_INT, arguments)));
  }

  /// What to throw for what a call of a function threw.
  static RuntimeException thrown(Throwable e) {
    return e instanceof RuntimeException failure
        ? failure
        : new IllegalStateException("a function of the system cannot be called", e);
  }
}
