package dev.yushan.data.prepare;

import dev.yushan.data.RecordBatches.Found;
import dev.yushan.data.prepare.Layer.Entry;
import dev.yushan.data.prepare.Layer.Kind;
import java.util.ArrayList;
import java.util.List;

/// The documents of a shard in memory, on their way through the stages.
final class ShardDocuments {
  private static final int STAYS = Integer.MAX_VALUE;

  // fields of Kind.READ, the first two also of Kind.UNREAD
  static final int ID = 0;
  static final int PLACE = 1;
  static final int TEXT = 2;

  private final String source;
  private final String[] ids;
  private final String[] places;
  private final String[] texts;
  private final String[] unread;
  private final int[] goneAt;
  private final String[] reasons;
  private final String[] details;

  private ShardDocuments(String source, int size) {
    this.source = source;
    ids = new String[size];
    places = new String[size];
    texts = new String[size];
    unread = new String[size];
    goneAt = new int[size];
    reasons = new String[size];
    details = new String[size];
    java.util.Arrays.fill(goneAt, STAYS);
  }

  /// The documents as the layers of the first steps, that of reading and others, leave them. Only
  /// the text that a document has at the end is looked at.
  static ShardDocuments of(String source, List<Layer> layers) {
    Layer read = layers.getFirst();
    List<Layer.Cursor> cursors = layers.stream().map(Layer::cursor).toList();
    ShardDocuments documents = new ShardDocuments(source, read.size());
    for (int i = 0; i < read.size(); i++) {
      if (read.kind(i) == Kind.UNREAD) {
        documents.read(i, Kind.UNREAD, cursors.getFirst().fields(i));
        continue;
      }
      documents.ids[i] = cursors.getFirst().field(i, ID);
      documents.places[i] = cursors.getFirst().field(i, PLACE);
      int text = 0;
      for (int step = 1; step < layers.size() && documents.stays(i); step++) {
        switch (layers.get(step).kind(i)) {
          case CHANGED -> text = step;
          case DROPPED -> {
            List<String> why = cursors.get(step).fields(i);
            documents.drop(i, step, why.get(0), why.get(1));
          }
          case SAME, SPLIT, READ, UNREAD -> {}
        }
      }
      documents.texts[i] = cursors.get(text).field(i, text == 0 ? TEXT : 0);
    }
    return documents;
  }

  /// The entries of the layer of reading.
  static List<Entry> entries(List<Found> records) {
    List<Entry> entries = new ArrayList<>(records.size());
    for (Found record : records) {
      entries.add(
          switch (record) {
            case Found.Text(String name, String place, String id, String text) ->
                new Entry(Kind.READ, id.isEmpty() ? name : id, place, text);
            case Found.None(
                    String name,
                    String place,
                    String reason,
                    String detail,
                    String there) ->
                new Entry(Kind.UNREAD, name, place, reason, detail, there);
          });
    }
    return entries;
  }

  /// The documents that these entries say were read.
  static ShardDocuments read(String source, List<Entry> read) {
    ShardDocuments documents = new ShardDocuments(source, read.size());
    for (int i = 0; i < read.size(); i++) {
      documents.read(i, read.get(i).kind(), read.get(i).fields());
    }
    return documents;
  }

  private void read(int i, Kind kind, List<String> fields) {
    ids[i] = fields.get(ID);
    places[i] = fields.get(PLACE);
    if (kind == Kind.READ) {
      texts[i] = fields.get(TEXT);
    } else {
      texts[i] = "";
      unread[i] = fields.get(4);
      drop(i, 0, fields.get(2), fields.get(3));
    }
  }

  /// Takes over what a stage made of them.
  void apply(int stage, Layer layer) {
    Layer.Cursor cursor = layer.cursor();
    for (int i = 0; i < layer.size(); i++) {
      if (layer.kind(i) != Kind.SAME) {
        apply(stage, i, new Entry(layer.kind(i), cursor.fields(i)));
      }
    }
  }

  /// Takes over what a stage made of one of them.
  void apply(int stage, int i, Entry entry) {
    switch (entry.kind()) {
      case CHANGED -> texts[i] = entry.fields().getFirst();
      case DROPPED -> drop(i, stage, entry.fields().get(0), entry.fields().get(1));
      case SAME, SPLIT -> {}
      case READ, UNREAD -> throw new IllegalStateException("a document is read once");
    }
  }

  private void drop(int i, int stage, String reason, String detail) {
    goneAt[i] = stage;
    reasons[i] = reason;
    details[i] = detail;
  }

  int size() {
    return ids.length;
  }

  boolean stays(int i) {
    return goneAt[i] == STAYS;
  }

  /// The stage that it was dropped at, counted from 0 for reading.
  int goneAt(int i) {
    return goneAt[i];
  }

  String reason(int i) {
    return reasons[i];
  }

  String detail(int i) {
    return details[i];
  }

  String id(int i) {
    return ids[i];
  }

  String place(int i) {
    return places[i];
  }

  /// The text of now, or as it was when the document was dropped.
  String text(int i) {
    return texts[i];
  }

  /// The text of a document that was removed; what is there in the place of one that is none.
  String excluded(int i) {
    return unread[i] == null ? texts[i] : unread[i];
  }

  CorpusRecord document(int i) {
    return new CorpusRecord(source, ids[i], texts[i]);
  }
}
