package dev.yushan.backend.testkit;

import dev.yushan.backend.Backend;
import dev.yushan.backend.Kernels;
import dev.yushan.tensor.Tensor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.stream.Stream;

/// One kernel call as data.
record Invocation(Backend backend, Method method, Object[] arguments) {
  /// Kernels that hand every call to `handler` instead of `backend`.
  static Kernels intercept(Backend backend, Consumer<Invocation> handler) {
    return (Kernels)
        Proxy.newProxyInstance(
            Kernels.class.getClassLoader(),
            new Class<?>[] {Kernels.class},
            (proxy, method, arguments) -> {
              if (method.getDeclaringClass() == Object.class) {
                return method.invoke(backend.kernels(), arguments);
              }
              handler.accept(new Invocation(backend, method, arguments));
              return null;
            });
  }

  String op() {
    return method.getName();
  }

  /// Makes the call.
  void proceed() {
    try {
      method.invoke(backend.kernels(), arguments);
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new IllegalStateException(op() + " failed", e.getCause());
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e);
    }
  }

  /// The same call with argument `index` replaced.
  Invocation with(int index, Object argument) {
    Object[] changed = arguments.clone();
    changed[index] = argument;
    return new Invocation(backend, method, changed);
  }

  Tensor tensor(int index) {
    return (Tensor) arguments[index];
  }

  Stream<Tensor> tensors() {
    return Arrays.stream(arguments).filter(Tensor.class::isInstance).map(Tensor.class::cast);
  }
}
