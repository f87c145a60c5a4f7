package dev.yushan.backend.tornado;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Stands in for libcuda: functions of C, in Java, with the signatures of `cuda.h` and what its
/// documentation says of them. The memory of the device is that of the host.
@SuppressWarnings("restricted")
final class JavaCuda extends JavaLibrary {
  static final int KERNEL = 0;
  static final int MEMCPY = 1;

  private static final int INVALID_VALUE = 1;
  private static final long GRAPH = 0x7001;
  private static final long FIRST_NODE = 0x8000;
  private static final Map<Integer, String> ERRORS =
      Map.of(INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", 719, "CUDA_ERROR_LAUNCH_FAILED");

  /// As in the header; a C compiler puts four bytes before the first pointer after the numbers.
  private static final MemoryLayout CUDA_KERNEL_NODE_PARAMS_V2 =
      MemoryLayout.structLayout(
          ADDRESS.withName("func"),
          JAVA_INT.withName("gridDimX"),
          JAVA_INT.withName("gridDimY"),
          JAVA_INT.withName("gridDimZ"),
          JAVA_INT.withName("blockDimX"),
          JAVA_INT.withName("blockDimY"),
          JAVA_INT.withName("blockDimZ"),
          JAVA_INT.withName("sharedMemBytes"),
          MemoryLayout.paddingLayout(4),
          ADDRESS.withName("kernelParams"),
          ADDRESS.withName("extra"),
          ADDRESS.withName("kern"),
          ADDRESS.withName("ctx"));

  /// A node of the graph that a capture yields: what it runs, its arguments and pointers to them.
  private record Node(int type, long function, MemorySegment values, MemorySegment pointers) {
    int arguments() {
      return (int) (values.byteSize() / 8);
    }
  }

  /// A call of `cuLaunchKernel`, with the arguments read.
  record Launch(
      long function,
      List<Integer> groups,
      List<Integer> threads,
      int shared,
      long stream,
      List<Long> arguments) {}

  private final Map<Long, Node> nodes = new LinkedHashMap<>();
  private long capturing;
  private long graph;

  /// How many bytes the last argument of every kernel has; the others have eight.
  long lastBytes = 8;

  /// Whether kernels were given their arguments by pointers, or the other way, as one block.
  boolean byPointers = true;

  /// What changed something, and how often the nodes were asked for, in order.
  final List<String> calls = new ArrayList<>();

  final List<Launch> launches = new ArrayList<>();

  JavaCuda() {
    super("cu");
  }

  /// Adds a node to what a capture yields.
  void captured(int type, long function, long... arguments) {
    MemorySegment values = arena.allocateFrom(JAVA_LONG, arguments);
    MemorySegment pointers = arena.allocate(ADDRESS, arguments.length);
    for (int i = 0; i < arguments.length; i++) {
      pointers.setAtIndex(ADDRESS, i, values.asSlice(8L * i));
    }
    nodes.put(FIRST_NODE + nodes.size(), new Node(type, function, values, pointers));
  }

  private Optional<Node> kernel(MemorySegment function) {
    return nodes.values().stream()
        .filter(node -> node.type == KERNEL && node.function == function.address())
        .findFirst();
  }

  int cuCtxSetCurrent(MemorySegment context) {
    calls.add("context " + context.address());
    return 0;
  }

  int cuStreamBeginCapture_v2(MemorySegment stream, int mode) {
    calls.add("capture of %d in mode %d".formatted(stream.address(), mode));
    capturing = stream.address();
    return 0;
  }

  int cuStreamEndCapture(MemorySegment stream, MemorySegment place) {
    if (stream.address() != capturing) {
      return INVALID_VALUE;
    }
    calls.add("end of capture");
    capturing = 0;
    graph = GRAPH;
    place.reinterpret(8).set(JAVA_LONG, 0, GRAPH);
    return 0;
  }

  int cuGraphGetNodes(MemorySegment graph, MemorySegment all, MemorySegment count) {
    if (graph.address() != this.graph) {
      return INVALID_VALUE;
    }
    MemorySegment number = count.reinterpret(8);
    if (all.address() == 0) {
      calls.add("nodes counted");
      number.set(JAVA_LONG, 0, nodes.size());
      return 0;
    }
    long room = number.get(JAVA_LONG, 0);
    calls.add(room + " nodes asked for");
    MemorySegment places = all.reinterpret(8 * room);
    places.fill((byte) 0);
    List<Long> told = nodes.keySet().stream().limit(room).toList();
    for (int i = 0; i < told.size(); i++) {
      places.setAtIndex(JAVA_LONG, i, told.get(i));
    }
    number.set(JAVA_LONG, 0, told.size());
    return 0;
  }

  int cuGraphNodeGetType(MemorySegment node, MemorySegment type) {
    if (!nodes.containsKey(node.address())) {
      return INVALID_VALUE;
    }
    type.reinterpret(4).set(JAVA_INT, 0, nodes.get(node.address()).type);
    return 0;
  }

  int cuGraphKernelNodeGetParams_v2(MemorySegment node, MemorySegment parameters) {
    Node found = nodes.get(node.address());
    if (found == null || found.type != KERNEL) {
      return INVALID_VALUE;
    }
    MemorySegment struct = parameters.reinterpret(CUDA_KERNEL_NODE_PARAMS_V2.byteSize());
    struct.fill((byte) 0);
    struct.set(JAVA_LONG, offset("func"), found.function);
    if (found.arguments() > 0) {
      struct.set(ADDRESS, offset(byPointers ? "kernelParams" : "extra"), found.pointers);
    }
    return 0;
  }

  private static long offset(String field) {
    return CUDA_KERNEL_NODE_PARAMS_V2.byteOffset(groupElement(field));
  }

  /// The node owns the values, so they are lost.
  int cuGraphDestroy(MemorySegment graph) {
    if (graph.address() != this.graph) {
      return INVALID_VALUE;
    }
    calls.add("graph destroyed");
    this.graph = 0;
    nodes.values().forEach(node -> node.values.fill((byte) -1));
    return 0;
  }

  int cuFuncGetParamInfo(
      MemorySegment function, long index, MemorySegment offset, MemorySegment size) {
    int count = kernel(function).map(Node::arguments).orElse(0);
    if (index >= count) {
      return INVALID_VALUE;
    }
    offset.reinterpret(8).set(JAVA_LONG, 0, 8 * index);
    size.reinterpret(8).set(JAVA_LONG, 0, index == count - 1 ? lastBytes : 8);
    return 0;
  }

  int cuLaunchKernel(
      MemorySegment function,
      int groupsX,
      int groupsY,
      int groupsZ,
      int threadsX,
      int threadsY,
      int threadsZ,
      int shared,
      MemorySegment stream,
      MemorySegment pointers,
      MemorySegment extra) {
    Optional<Node> kernel = kernel(function);
    if (kernel.isEmpty() || pointers.address() == 0 || extra.address() != 0) {
      return INVALID_VALUE;
    }
    launches.add(
        new Launch(
            function.address(),
            List.of(groupsX, groupsY, groupsZ),
            List.of(threadsX, threadsY, threadsZ),
            shared,
            stream.address(),
            values(pointers, kernel.get().arguments())));
    return 0;
  }

  private static List<Long> values(MemorySegment pointers, int count) {
    return pointers
        .reinterpret(8L * count)
        .elements(ADDRESS)
        .map(at -> at.get(ADDRESS, 0).reinterpret(8).get(JAVA_LONG, 0))
        .toList();
  }

  int cuStreamSynchronize(MemorySegment stream) {
    calls.add("stream %d waited for".formatted(stream.address()));
    return 0;
  }

  int cuMemcpyHtoDAsync_v2(long target, MemorySegment source, long bytes, MemorySegment stream) {
    calls.add("%d bytes into stream %d".formatted(bytes, stream.address()));
    MemorySegment.ofAddress(target).reinterpret(bytes).copyFrom(source.reinterpret(bytes));
    return 0;
  }

  int cuGetErrorName(int error, MemorySegment place) {
    String name = ERRORS.get(error);
    place
        .reinterpret(8)
        .set(ADDRESS, 0, name == null ? MemorySegment.NULL : arena.allocateFrom(name));
    return name == null ? INVALID_VALUE : 0;
  }
}
