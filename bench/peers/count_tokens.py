"""The peer of `yushan prepare` with no stages: documents of at most CUTOFF tokens, counted by the
tokenizer of TOKENIZER_DIR, with the libraries `datasets` and `tokenizers`.

    python bench/peers/count_tokens.py TOKENIZER_DIR CUTOFF OUTPUT_DIR FILE...

Prints what is kept, and the seconds from the first file to the last one written.
"""

import multiprocessing
import os
import sys
import time

import datasets
import tokenizers

os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
datasets.disable_progress_bars()


def main(tokenizer_dir, cutoff, output, files):
    tokenizer = tokenizers.Tokenizer.from_file(os.path.join(tokenizer_dir, "tokenizer.json"))
    start = time.time()
    documents = tokens = kept = kept_tokens = 0
    for file in files:
        kind = "parquet" if file.endswith(".parquet") else "json"
        data = datasets.load_dataset(
            kind, data_files=file, split="train", cache_dir=os.path.join(output, "cache")
        )

        def count(batch):
            # BOS by the template of the tokenizer, and EOS, which it has not
            return {"tokens": [len(e.ids) + 1 for e in tokenizer.encode_batch(batch["text"])]}

        data = data.map(count, batched=True, batch_size=500)
        short = data.filter(lambda batch: [n <= cutoff for n in batch["tokens"]], batched=True)
        short.to_parquet(os.path.join(output, os.path.basename(file).split(".")[0] + ".parquet"))
        documents += len(data)
        tokens += sum(data["tokens"])
        kept += len(short)
        kept_tokens += sum(short["tokens"])
    seconds = time.time() - start
    print(f"{documents:,} documents, {tokens:,} tokens; kept {kept:,} with {kept_tokens:,} tokens")
    print(f"{seconds:.1f} s on {multiprocessing.cpu_count()} processors")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:])
