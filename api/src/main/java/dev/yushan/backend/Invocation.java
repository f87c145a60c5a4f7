package dev.yushan.backend;

import dev.yushan.tensor.Tensor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;

/// One kernel call as data: its arguments one by one, records of tensors taken apart.
public record Invocation(Backend backend, Method method, Object[] arguments) {
  /// Which arguments of an op it writes.
  private static final Map<String, List<Integer>> OUTPUTS =
      Map.ofEntries(
          Map.entry("gather", List.of(2)),
          Map.entry("scatterAdd", List.of(2)),
          Map.entry("scatter", List.of(2)),
          Map.entry("matmul", List.of(6)),
          Map.entry("rmsNorm", List.of(3, 4)),
          Map.entry("rmsNormBackward", List.of(5, 6)),
          Map.entry("rope", List.of(4)),
          Map.entry("attention", List.of(5, 6)),
          Map.entry("attentionBackward", List.of(8, 9, 10)),
          Map.entry("pagedAttention", List.of(8)),
          Map.entry("swiGlu", List.of(2)),
          Map.entry("swiGluBackward", List.of(3, 4)),
          Map.entry("add", List.of(2)),
          Map.entry("crossEntropy", List.of(0, 3)),
          Map.entry("squaredNorm", List.of(1)),
          Map.entry("scale", List.of(0)),
          Map.entry("axpby", List.of(2)),
          Map.entry("lerp", List.of(3)),
          Map.entry("sign", List.of(1)),
          Map.entry("fill", List.of(0)),
          Map.entry("copy", List.of(1)),
          Map.entry("adamW", List.of(2, 4, 5)));

  /// Kernels that hand every call to `handler` instead of `backend`.
  public static Kernels intercept(Backend backend, Consumer<Invocation> handler) {
    return (Kernels)
        Proxy.newProxyInstance(
            Kernels.class.getClassLoader(),
            new Class<?>[] {Kernels.class},
            (proxy, method, arguments) -> {
              if (method.getDeclaringClass() == Object.class) {
                return method.invoke(backend.kernels(), arguments);
              }
              handler.accept(new Invocation(backend, method, flat(arguments)));
              return null;
            });
  }

  public String op() {
    return method.getName();
  }

  /// Makes the call.
  public void proceed() {
    try {
      method.invoke(backend.kernels(), grouped());
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new IllegalStateException(op() + " failed", e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  /// Arguments with the components of records of tensors in their place.
  private static Object[] flat(Object[] arguments) throws ReflectiveOperationException {
    List<Object> flat = new ArrayList<>();
    for (Object argument : arguments) {
      if (holdsTensors(argument.getClass())) {
        for (RecordComponent component : argument.getClass().getRecordComponents()) {
          flat.add(component.getAccessor().invoke(argument));
        }
      } else {
        flat.add(argument);
      }
    }
    return flat.toArray();
  }

  /// What the method takes: the opposite of [#flat].
  private Object[] grouped() throws ReflectiveOperationException {
    Iterator<Object> next = List.of(arguments).iterator();
    List<Object> grouped = new ArrayList<>();
    for (Class<?> type : method.getParameterTypes()) {
      if (holdsTensors(type)) {
        Class<?>[] types =
            Stream.of(type.getRecordComponents())
                .map(RecordComponent::getType)
                .toArray(Class<?>[]::new);
        Object[] parts = Stream.of(types).map(part -> next.next()).toArray();
        grouped.add(type.getDeclaredConstructor(types).newInstance(parts));
      } else {
        grouped.add(next.next());
      }
    }
    return grouped.toArray();
  }

  private static boolean holdsTensors(Class<?> type) {
    return type.isRecord()
        && Stream.of(type.getRecordComponents()).anyMatch(c -> c.getType() == Tensor.class);
  }

  /// The same call with argument `index` replaced.
  public Invocation with(int index, Object argument) {
    Object[] changed = arguments.clone();
    changed[index] = argument;
    return new Invocation(backend, method, changed);
  }

  public Tensor tensor(int index) {
    return (Tensor) arguments[index];
  }

  /// The tensors that the op writes.
  public Stream<Tensor> outputs() {
    return OUTPUTS.get(op()).stream().map(this::tensor);
  }
}
