/// Training data: from files to rows of token ids, in four steps, each a configuration record and a
/// few pure pieces.
///
/// 1. source: [Sources] turns paths, globs and names of `dataset_info.json` into [SourceFile]s, and
///    [RecordReader] reads their records one by one;
/// 2. tokenised dataset: [TokenizedDataset] makes documents of them (BOS + tokens + EOS) in shards
///    on disk, cached by content, and applies the length limit;
/// 3. packing: [PackedDataset] lays the documents into rows;
/// 4. loader: [DataLoader] hands out micro-batches of rows, in an order that is a pure function of
///    (seed, epoch, position).
///
/// [TokenLedger] follows every document and token through all of it. Cleaning, deduplication and
/// mixing belong between steps 1 and 2: they map records to records.
package dev.yushan.data;
