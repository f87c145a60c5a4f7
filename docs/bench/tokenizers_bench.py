"""The peer of `yushan bench tokenize`: Hugging Face tokenizers, the same texts one by one on one
thread, JSON of the same form.

    python docs/bench/tokenizers_bench.py --tokenizer DIR --data laws.parquet --json peer.json

Needs tokenizers and, for Parquet, pyarrow. JSON Lines may be compressed by gzip.
"""

import argparse
import gzip
import json
import os
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import report

try:
    import tokenizers
except ModuleNotFoundError as missing:
    report.needs(missing, "tokenizers")


def texts_of(name, column):
    if name.endswith(".parquet"):
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(name)
        if column not in table.column_names:
            sys.exit(f"{name} has no column {column}, but {', '.join(table.column_names)}")
        return table[column].to_pylist()
    with (gzip.open if name.endswith(".gz") else open)(name, "rt", encoding="utf-8") as lines:
        try:
            return [json.loads(line)[column] for line in lines]
        except (ValueError, KeyError, TypeError):
            sys.exit(f"{name}: each line must be a JSON object with the key {column}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--data", nargs="+", required=True)
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json")
    args = report.parse(parser)
    file = args.tokenizer
    if os.path.isdir(file):
        file = os.path.join(file, "tokenizer.json")
    with open(file, encoding="utf-8") as json_text:
        tokenizer = tokenizers.Tokenizer.from_str(json_text.read())
    texts = [text for name in args.data for text in texts_of(name, args.text_column) if text]
    size = sum(len(text.encode()) for text in texts)

    def encode():
        return sum(len(tokenizer.encode(text, add_special_tokens=False).ids) for text in texts)

    tokens = encode()
    taken = []
    for _ in range(args.repeat):
        start = time.perf_counter()
        encode()
        taken.append(time.perf_counter() - start)
    what = {"tokenizer": args.tokenizer, "data": ", ".join(args.data)}
    what |= {"texts": len(texts), "bytes": size, "tokens": tokens, "threads": 1}
    results = [
        report.result(what, [work * 1e-6 / s for s in taken], unit)
        for unit, work in (("Mtokens/s", tokens), ("MB/s", size))
    ]
    report.write(args, "tokenize", f"tokenizers {tokenizers.__version__}", results, threads=1)


if __name__ == "__main__":
    report.run(main)
