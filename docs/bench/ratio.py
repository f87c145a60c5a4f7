"""How a run of `yushan bench` compares with that of a peer: the rows that both have, ours beside
the peer's, and their ratio, above 1 where ours is faster (for memory: where ours takes more).

    python docs/bench/ratio.py ours.json peer.json
"""

import json
import sys

MEASURED = {"median", "min", "max", "values"}
COMPUTED = ("_per_second", "_share", "compiled", "keep", "logits_chunk", "tokenizer", "data")


def rows(report):
    """The results by what they are of, without what was measured."""
    return {
        tuple(
            (key, value)
            for key, value in row.items()
            if key not in MEASURED and not key.endswith(COMPUTED)
        ): row
        for row in report["results"]
    }


def same_work(ours, peer):
    """Ends the script where the two were told to do something else."""

    def told(report):
        shape = report.get("shape") or {}
        return {
            "bench": report["bench"],
            # those of the processor are nothing to a GPU
            "threads": report.get("threads") if report.get("device", "cpu") == "cpu" else None,
            "shape": shape.get("name"),
            # llama.cpp counts a table of 32 frequencies too
            "millions of parameters": shape.get("parameters") and round(shape["parameters"] / 1e6),
        }

    theirs = told(peer)
    for what, value in told(ours).items():
        other = theirs[what]
        if None not in (value, other) and value != other:
            sys.exit(f"not comparable: {what} {value} of ours and {other} of the peer")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        ours, peer = (json.load(open(name)) for name in sys.argv[1:])
    except FileNotFoundError as missing:
        sys.exit(f"{missing.filename}: there is no such file")
    same_work(ours, peer)
    for report in ours, peer:
        chunks = sorted({row["logits_chunk"] for row in report["results"] if "logits_chunk" in row})
        chunk = f", logits_chunk {', '.join(map(str, chunks))}" if chunks else ""
        on = report["machine"]["processor"]
        print(f"{report['program']} on {on} at {report['date']}{chunk}")
    theirs = rows(peer)
    common = [(what, row) for what, row in rows(ours).items() if what in theirs]
    if not common:
        sys.exit("they have no row in common: run both with the same shape and sizes")
    for what, row in common:
        other = theirs[what]
        name = ", ".join(f"{key} {value}" for key, value in what if key != "unit")
        a, b = row["median"], other["median"]
        print(f"{name:60} {a:10.4g} {b:10.4g} {row['unit']:9} {a / b:6.2f}")
    if "peak_rss_bytes" in ours and "peak_rss_bytes" in peer:
        a, b = ours["peak_rss_bytes"] / 2**30, peer["peak_rss_bytes"] / 2**30
        print(f"{'peak RSS':60} {a:10.2f} {b:10.2f} {'GiB':9} {a / b:6.2f}")


if __name__ == "__main__":
    main()
