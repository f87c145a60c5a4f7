package dev.yushan.backend.testkit;

import dev.yushan.backend.Backend;
import dev.yushan.backend.ForwardingBackend;
import dev.yushan.backend.Invocation;
import dev.yushan.backend.Kernels;
import java.util.function.Consumer;

/// A backend that is right but for one op: what the checks must find.
///
/// @param op the op that is wrong
/// @param name how
/// @param fault makes the call in its wrong way
record Mutant(String op, String name, Consumer<Invocation> fault) {
  Backend of(Backend right) {
    Kernels wrong =
        Invocation.intercept(
            right,
            call -> {
              if (call.op().equals(op)) {
                fault.accept(call);
              } else {
                call.proceed();
              }
            });
    return new ForwardingBackend(right) {
      @Override
      public Kernels kernels() {
        return wrong;
      }
    };
  }

  @Override
  public String toString() {
    return op + ": " + name;
  }
}
