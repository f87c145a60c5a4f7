package dev.yushan.backend.tornado;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// Stands in for a library of C: its functions are methods of Java, which answer with a status.
///
/// They must not throw, for that ends the JVM.
abstract class JavaLibrary implements AutoCloseable {
  private static final Map<Class<?>, MemoryLayout> LAYOUTS =
      Map.of(int.class, JAVA_INT, long.class, JAVA_LONG, MemorySegment.class, ADDRESS);

  private final Map<String, MemorySegment> functions = new HashMap<>();

  /// What lives as long as the library.
  final Arena arena = Arena.ofShared();

  /// What functions answer in place of doing anything.
  final Map<String, Integer> statuses = new HashMap<>();

  /// @param prefix what the names of methods that are functions begin with
  JavaLibrary(String prefix) {
    for (Method method : getClass().getDeclaredMethods()) {
      if (method.getName().startsWith(prefix)) {
        functions.put(method.getName(), stub(method));
      }
    }
  }

  @SuppressWarnings("restricted")
  private MemorySegment stub(Method method) {
    try {
      MethodHandle function = MethodHandles.lookup().unreflect(method).bindTo(this);
      MethodHandle refuses = named("refuses", boolean.class, method.getName());
      MethodHandle status = named("status", int.class, method.getName());
      return Linker.nativeLinker()
          .upcallStub(
              MethodHandles.guardWithTest(
                  refuses,
                  MethodHandles.dropArguments(status, 0, function.type().parameterList()),
                  function),
              FunctionDescriptor.of(
                  JAVA_INT,
                  Arrays.stream(method.getParameterTypes())
                      .map(LAYOUTS::get)
                      .toArray(MemoryLayout[]::new)),
              arena);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  /// A method of this class that takes the name of a function, with the name given.
  private MethodHandle named(String method, Class<?> answer, String function)
      throws ReflectiveOperationException {
    return MethodHandles.lookup()
        .bind(this, method, MethodType.methodType(answer, String.class))
        .bindTo(function);
  }

  SymbolLookup symbols() {
    return name -> Optional.ofNullable(functions.get(name));
  }

  int status(String function) {
    return statuses.getOrDefault(function, 0);
  }

  boolean refuses(String function) {
    return status(function) != 0;
  }

  @Override
  public void close() {
    arena.close();
  }
}
