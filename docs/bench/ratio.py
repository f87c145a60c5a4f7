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


def report_in(name):
    """The report in a file."""
    try:
        with open(name) as file:
            report = json.load(file)
        if all(report[key] for key in ("results", "bench", "program", "machine", "date")):
            report["machine"].get("processor")
            if all(row["median"] >= 0 and row["unit"] for row in report["results"]):
                return report
    except OSError as error:
        sys.exit(f"{name}: {error.strerror}")
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    sys.exit(f"{name}: no report of `yushan bench --json`, nor of a script beside this one")


def words(what):
    return ", ".join(f"{key} {value}" for key, value in what if key != "unit")


def choices(report):
    """What a run chose for itself, and what else the machine did."""
    said = ""
    for key in "logits_chunk", "keep":
        values = sorted({str(row[key]) for row in report["results"] if key in row})
        said += f", {key} {', '.join(values)}" if values else ""
    if any(row.get("compiled") for row in report["results"]):
        said += ", compiled"
    if report.get("preloaded"):
        said += f", with {report['preloaded']} preloaded"
    busy = report["machine"].get("others_busy_processors") or 0
    if busy > 0.1:
        said += f"; NOT ALONE: other programs kept {busy:.1f} processors busy"
    return said


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
    ours, peer = map(report_in, sys.argv[1:])
    if peer["program"].startswith("yushan") and not ours["program"].startswith("yushan"):
        sys.exit("the first file is of the peer and the second ours: name ours first")
    same_work(ours, peer)
    for report in ours, peer:
        on = report["machine"].get("processor")
        print(f"{report['program']} on {on} at {report['date']}{choices(report)}")
    theirs = rows(peer)
    common = [(what, row) for what, row in rows(ours).items() if what in theirs]
    if not common:
        first = [words(next(iter(rows(report)))) for report in (ours, peer)]
        sys.exit(
            "they have no row in common, run both with the same sizes: ours begins with"
            f" {first[0]}; the peer's with {first[1]}"
        )
    for what, row in common:
        other = theirs[what]
        a, b = row["median"], other["median"]
        if row["unit"] == "ms":  # of a time less is faster
            a, b = b, a
        ratio = f"{a / b:6.2f}" if b else "     –"
        a, b = row["median"], other["median"]
        print(f"{words(what):60} {a:10.4g} {b:10.4g} {row['unit']:9} {ratio}")
    if "peak_rss_bytes" in ours and "peak_rss_bytes" in peer:
        a, b = ours["peak_rss_bytes"] / 2**30, peer["peak_rss_bytes"] / 2**30
        print(f"{'peak RSS':60} {a:10.2f} {b:10.2f} {'GiB':9} {a / b:6.2f}")


if __name__ == "__main__":
    main()
