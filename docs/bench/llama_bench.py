"""The peer of `yushan bench prefill|decode`: llama.cpp's own `llama-bench` on GGUF files of the same
shape, its numbers as JSON of the same form.

    python docs/bench/llama_bench.py prefill --binary llama-bench --threads 2 bf16.gguf q8_0.gguf
    python docs/bench/llama_bench.py decode  --binary llama-bench --threads 2 bf16.gguf q8_0.gguf

The name of a file is taken as the type of its weights. llama-bench warms up by itself, and its
prompts, too, need the logits of their last token alone.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess


def processor():
    try:
        with open("/proc/cpuinfo") as lines:
            return next(l.split(":", 1)[1].strip() for l in lines if l.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bench", choices=["prefill", "decode"])
    parser.add_argument("files", nargs="+")
    parser.add_argument("--binary", default="llama-bench")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--tokens", type=int)
    parser.add_argument("--json")
    args = parser.parse_args()
    prefill = args.bench == "prefill"
    tokens = args.tokens or (512 if prefill else 128)
    results, build, parameters = [], "", 0
    for file in args.files:
        counts = ["-p", str(tokens), "-n", "0"] if prefill else ["-p", "0", "-n", str(tokens)]
        command = [args.binary, "-m", file, "-t", str(args.threads), "-r", str(args.repeat)]
        done = subprocess.run(command + counts + ["-o", "json"], check=True, stdout=subprocess.PIPE)
        for row in json.loads(done.stdout):
            rates = row["samples_ts"]
            build, parameters = row["build_commit"], row["model_n_params"]
            what = {"weights": os.path.splitext(os.path.basename(file))[0]}
            if not prefill:
                what.update({"streams": 1, "context": 0})
            results.append(
                {
                    **what,
                    "tokens": tokens,
                    "unit": "tokens/s",
                    "median": statistics.median(rates),
                    "min": min(rates),
                    "max": max(rates),
                    "values": rates,
                }
            )
    report = {
        "bench": args.bench,
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "program": "llama.cpp " + build,
        "machine": {"processor": processor(), "processors": os.cpu_count()},
        "threads": args.threads,
        "shape": {"parameters": parameters},
        "results": results,
    }
    text = json.dumps(report, indent=2)
    print(text)
    if args.json:
        with open(args.json, "w") as file:
            file.write(text + "\n")


if __name__ == "__main__":
    main()
