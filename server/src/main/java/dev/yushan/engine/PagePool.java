package dev.yushan.engine;

import dev.yushan.backend.KvPages;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.SequencedSet;

/// Which pages of the key/value cache are whose, and which hold what another text can use.
///
/// Full pages form a tree: the way from the root to a page spells the text up to its end, so that
/// one that begins alike finds them without a hash that could be wrong. A page that nobody holds
/// stays in the tree until its place is needed: the one that was given back first goes first. A
/// text gives back its last page first, so that no page goes before those behind it.
///
/// It counts and knows no tensors. For one thread.
final class PagePool {
  private static final int PAGE = KvPages.PAGE_LENGTH;

  /// A full page in the tree; the root holds none.
  ///
  /// @param page −1 for the root
  /// @param children by their first token
  record Node(Node parent, int page, int[] tokens, Map<Integer, List<Node>> children) {
    private static Node root() {
      return new Node(null, -1, new int[0], new HashMap<>());
    }

    // by identity: what it holds is large, and the same only if it is the same
    @Override
    public boolean equals(Object other) {
      return this == other;
    }

    @Override
    public int hashCode() {
      return System.identityHashCode(this);
    }

    private List<Node> beginningWith(int token) {
      return children.getOrDefault(token, List.of());
    }
  }

  /// What the beginning of a text was found to have in common with what is there.
  ///
  /// @param nodes its full pages, in order
  /// @param partial a page whose first tokens are the next of the text; `nodes` may be followed by
  ///   none such: then `common` is 0
  /// @param common how many of its tokens
  record Match(List<Node> nodes, Node partial, int common) {
    int tokens() {
      return nodes.size() * PAGE + common;
    }
  }

  private final boolean keep;
  private final int[] references;
  private final Node[] nodes;
  private final ArrayDeque<Integer> empty = new ArrayDeque<>();
  private final SequencedSet<Node> idle = new LinkedHashSet<>();
  private final Node root = Node.root();

  /// @param keep whether pages stay in the tree
  PagePool(int pages, boolean keep) {
    this.keep = keep;
    references = new int[pages];
    nodes = new Node[pages];
    for (int page = 0; page < pages; page++) {
      empty.add(page);
    }
  }

  int pages() {
    return references.length;
  }

  /// Whether full pages stay in the tree.
  boolean keepsPages() {
    return keep;
  }

  boolean isHeld(int page) {
    return references[page] > 0;
  }

  /// Pages that can be taken.
  int available() {
    return empty.size() + idle.size();
  }

  /// Share of the pages that are held.
  double usage() {
    return 1 - available() / (double) pages();
  }

  Node root() {
    return root;
  }

  /// Takes a page for what is not in the tree.
  ///
  /// @throws IllegalStateException if none is available
  int take() {
    if (empty.isEmpty()) {
      evict();
    }
    int page = empty.remove();
    references[page] = 1;
    return page;
  }

  private void evict() {
    if (idle.isEmpty()) {
      throw new IllegalStateException("all %d pages are held".formatted(pages()));
    }
    Node oldest = idle.removeFirst();
    if (!oldest.children().isEmpty()) {
      throw new IllegalStateException("page " + oldest.page() + " would go before its children");
    }
    detach(oldest);
    empty.add(oldest.page());
  }

  private void detach(Node node) {
    Map<Integer, List<Node>> siblings = node.parent().children();
    List<Node> alike = siblings.get(node.tokens()[0]);
    alike.remove(node);
    if (alike.isEmpty()) {
      siblings.remove(node.tokens()[0]);
    }
    nodes[node.page()] = null;
  }

  /// Holds a page once more.
  void hold(int page) {
    if (references[page]++ == 0 && !idle.remove(nodes[page])) {
      throw new IllegalStateException("page " + page + " is empty and cannot be held");
    }
  }

  /// Gives a page back; of those of a text the last one first.
  void release(int page) {
    if (references[page] == 0) {
      throw new IllegalStateException("page " + page + " was given back twice");
    }
    if (--references[page] > 0) {
      return;
    }
    if (nodes[page] == null) {
      empty.add(page);
    } else {
      idle.addLast(nodes[page]);
    }
  }

  /// Puts a full page into the tree, where another text finds it.
  ///
  /// @param parent the node of the page before it, or the root
  /// @param page held by the caller
  /// @return the node of these tokens: of `page`, or of another page that has them already, which
  ///   the caller then holds in its place
  Node add(Node parent, int page, int[] tokens) {
    if (!keep) {
      return root;
    }
    List<Node> alike = parent.children().computeIfAbsent(tokens[0], t -> new ArrayList<>(1));
    for (Node node : alike) {
      if (Arrays.equals(node.tokens(), tokens)) {
        hold(node.page());
        release(page);
        return node;
      }
    }
    Node node = new Node(parent, page, tokens, new HashMap<>());
    alike.add(node);
    nodes[page] = node;
    return node;
  }

  /// The longest beginning of `tokens`, up to `length` of them, that is there.
  Match find(int[] tokens, int length) {
    List<Node> found = new ArrayList<>();
    Node at = root;
    while (true) {
      int from = found.size() * PAGE;
      Node best = null;
      int common = 0;
      if (from < length) {
        for (Node child : at.beginningWith(tokens[from])) {
          int same = common(child.tokens(), tokens, from, length);
          if (same > common) {
            best = child;
            common = same;
          }
        }
      }
      if (common < PAGE) {
        return new Match(found, best, common);
      }
      found.add(best);
      at = best;
    }
  }

  private static int common(int[] page, int[] tokens, int from, int length) {
    int end = Math.min(PAGE, length - from);
    int same = Arrays.mismatch(page, 0, end, tokens, from, from + end);
    return same < 0 ? end : same;
  }

  /// Forgets all pages that nobody holds.
  void clear() {
    while (!idle.isEmpty()) {
      evict();
    }
  }

  /// Whether the books are in order, for tests.
  ///
  /// @param held how often each page is held by what the caller knows of
  void check(int[] held) {
    if (!Arrays.equals(held, references)) {
      throw new IllegalStateException(
          "held %s, counted %s".formatted(Arrays.toString(held), Arrays.toString(references)));
    }
    boolean[] seen = new boolean[pages()];
    for (int page : empty) {
      require(!seen[page] && references[page] == 0 && nodes[page] == null, page, "empty");
      seen[page] = true;
    }
    for (Node node : idle) {
      int page = node.page();
      require(!seen[page] && references[page] == 0 && nodes[page] == node, page, "idle");
      seen[page] = true;
    }
    for (int page = 0; page < pages(); page++) {
      require(seen[page] == (references[page] == 0), page, "held");
      Node node = nodes[page];
      boolean isChild =
          node == null || node.parent().beginningWith(node.tokens()[0]).contains(node);
      require(isChild, page, "in the tree");
    }
  }

  private static void require(boolean holds, int page, String what) {
    if (!holds) {
      throw new IllegalStateException("page %d is not soundly %s".formatted(page, what));
    }
  }
}
