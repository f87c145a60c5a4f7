package dev.yushan.engine;

import dev.yushan.backend.KvPages;
import dev.yushan.engine.PagePool.Node;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// A request as the scheduler sees it: its tokens, how many of them are computed, and the pages
/// that hold their keys and values.
final class Sequence {
  private static final int PAGE = KvPages.PAGE_LENGTH;

  private final int priority;
  private final long arrival;
  private final boolean scored;
  private final int promptLength;
  private int[] tokens;
  private int length;
  private int computed;
  private int cached = -1;
  private int preemptions;
  private final List<Integer> pages = new ArrayList<>();
  private Node node;
  private int inTree;

  /// @param arrival its number in the order of arrival
  /// @param scored whether every token of the prompt must be computed
  Sequence(int[] prompt, int priority, long arrival, boolean scored) {
    this.tokens = Arrays.copyOf(prompt, prompt.length + 64);
    this.length = prompt.length;
    this.promptLength = prompt.length;
    this.priority = priority;
    this.arrival = arrival;
    this.scored = scored;
  }

  /// Whether it comes before another.
  boolean isBefore(Sequence other) {
    return priority != other.priority ? priority < other.priority : arrival < other.arrival;
  }

  /// Prompt and what was generated; of it the first [#length()].
  int[] tokens() {
    return tokens;
  }

  int length() {
    return length;
  }

  int promptLength() {
    return promptLength;
  }

  /// Tokens whose keys and values are in the cache.
  int computed() {
    return computed;
  }

  /// Tokens that are still to be computed; 1 for one that generates.
  int left() {
    return length - computed;
  }

  boolean scored() {
    return scored;
  }

  /// Tokens of the prompt that were found when it was first admitted.
  int cached() {
    return Math.max(0, cached);
  }

  int preemptions() {
    return preemptions;
  }

  int page(int index) {
    return pages.get(index);
  }

  List<Integer> pages() {
    return pages;
  }

  void add(int token) {
    if (length == tokens.length) {
      tokens = Arrays.copyOf(tokens, 2 * length);
    }
    tokens[length++] = token;
  }

  // ---- pages -----------------------------------------------------------------------------------

  /// Takes what the cache has of it.
  ///
  /// @return the page to copy from, held until that is done; −1 for none. The copy goes to the last
  ///   page.
  int begin(PagePool pool) {
    node = pool.root();
    // the last token is computed in any case: what follows it is what is wanted
    PagePool.Match match = pool.find(tokens, scored ? 0 : length - 1);
    for (Node found : match.nodes()) {
      pool.hold(found.page());
      pages.add(found.page());
      node = found;
    }
    inTree = pages.size();
    computed = match.tokens();
    if (cached < 0) {
      cached = Math.min(computed, promptLength);
    }
    if (match.common() == 0) {
      return -1;
    }
    pool.hold(match.partial().page());
    pages.add(pool.take());
    return match.partial().page();
  }

  /// Tokens of it that the cache has.
  int found(PagePool pool) {
    return pool.find(tokens, scored ? 0 : length - 1).tokens();
  }

  /// Tokens of the full pages that it has in common with another one and need not compute.
  int commonPages(Sequence other) {
    int end = scored ? 0 : Math.min(length - 1, other.length);
    int same = Arrays.mismatch(tokens, 0, end, other.tokens, 0, end);
    return (same < 0 ? end : same) / PAGE * PAGE;
  }

  /// Pages that are not to be had any more once all of it and one more token are computed: those
  /// that others hold it shares.
  int pagesWanted(PagePool pool) {
    PagePool.Match match = pool.find(tokens, scored ? 0 : length - 1);
    long shared = match.nodes().stream().filter(found -> pool.isHeld(found.page())).count();
    return (length + PAGE) / PAGE + 1 - (int) shared;
  }

  /// Pages to take before `count` more tokens can be computed.
  int pagesFor(int count) {
    return (computed + count + PAGE - 1) / PAGE - pages.size();
  }

  void take(PagePool pool, int count) {
    for (int i = 0; i < count; i++) {
      pages.add(pool.take());
    }
  }

  /// Notes that `count` more tokens are computed, and puts the pages that are full into the tree.
  void advance(PagePool pool, int count) {
    computed += count;
    while ((inTree + 1) * PAGE <= computed) {
      int[] text = Arrays.copyOfRange(tokens, inTree * PAGE, (inTree + 1) * PAGE);
      node = pool.add(node, pages.get(inTree), text);
      if (node.page() >= 0) {
        pages.set(inTree, node.page());
      }
      inTree++;
    }
  }

  /// Gives all pages back. Nothing of it is computed any more.
  void release(PagePool pool) {
    for (int i = pages.size() - 1; i >= 0; i--) {
      pool.release(pages.get(i));
    }
    pages.clear();
    computed = 0;
    inTree = 0;
  }

  void preempted() {
    preemptions++;
  }
}
