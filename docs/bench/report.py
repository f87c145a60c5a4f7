"""What the scripts of the peers share: reports of the form that `yushan bench --json` has."""

import argparse
import datetime
import json
import os
import platform
import resource
import statistics
import subprocess
import sys


def run(main):
    """`main`, whose foreseeable errors end the script in one line."""
    try:
        main()
    except subprocess.CalledProcessError as failed:
        sys.exit(f"{failed.cmd[0]} failed with exit status {failed.returncode}; what it said is above")
    except FileNotFoundError as missing:
        sys.exit(f"{missing.filename}: there is no such file or program; correct the path")
    except OSError as failed:
        sys.exit(f"{failed.filename}: {failed.strerror}")


def needs(missing, modules):
    """Ends the script: one of the modules of its peer cannot be imported."""
    sys.exit(f"{missing}; `pip install {modules}` in an environment of its own brings it")


def positive(text):
    """The type of an argument: a whole number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} must be a whole number, 1 or more")
    return int(text)


def parse(parser, weights=()):
    """The arguments, which are refused before anything is computed.

    weights: the types that --weights may name
    """
    args = parser.parse_args()
    if getattr(args, "warm_up", 0) < 0:
        parser.error(f"--warm-up {args.warm_up}: must be 0 or more")
    if args.repeat < 1:
        parser.error(f"--repeat {args.repeat}: must be 1 or more")
    if getattr(args, "threads", 1) < 0:
        parser.error(f"--threads {args.threads}: must be 0 (all) or more")
    if getattr(args, "threads", 1) == 0:
        allowed = getattr(os, "sched_getaffinity", None)  # of Linux
        args.threads = len(allowed(0)) if allowed else os.cpu_count()
    unknown = set(args.weights.split(",")) - set(weights) if weights else ()
    if unknown:
        parser.error(f"--weights {', '.join(unknown)}: this peer has {', '.join(weights)}")
    if args.json:
        directory = os.path.dirname(os.path.abspath(args.json))
        if os.path.isdir(args.json) or not os.access(directory, os.W_OK):
            parser.error(f"--json {args.json}: name a file in a directory that is there")
    return args


def processor():
    try:
        with open("/proc/cpuinfo") as lines:
            return next(l.split(":", 1)[1].strip() for l in lines if l.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def result(what, rates, unit="tokens/s"):
    """A row: what was measured, and how fast each repetition was."""
    return {
        **what,
        "unit": unit,
        "median": statistics.median(rates),
        "min": min(rates),
        "max": max(rates),
        "values": rates,
    }


def write(args, bench, program, results, **more):
    """Prints the report, and writes it to --json."""
    report = {
        "bench": bench,
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "program": program,
        "machine": {"processor": processor(), "processors": os.cpu_count()},
        "preloaded": os.environ.get("LD_PRELOAD"),
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        **more,
        "results": results,
    }
    text = json.dumps(report, indent=2)
    print(text)
    if args.json:
        with open(args.json, "w") as file:
            file.write(text + "\n")
