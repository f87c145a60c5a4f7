"""The peer of `yushan bench prefill|decode`: llama.cpp's own `llama-bench` on GGUF files of the same
shape, its numbers as JSON of the same form.

    python docs/bench/llama_bench.py prefill --binary llama-bench --threads 2 bf16.gguf q8_0.gguf
    python docs/bench/llama_bench.py decode  --binary llama-bench --threads 2 bf16.gguf q8_0.gguf

The name of a file is taken as the type of its weights. llama-bench warms up by itself, and its
prompts, too, need the logits of their last token alone.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess

import report


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bench", choices=["prefill", "decode"])
    parser.add_argument("files", nargs="+")
    parser.add_argument("--binary", default="llama-bench")
    parser.add_argument("--threads", type=int, default=0, help="0 for all")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--tokens", type=report.positive)
    parser.add_argument("--context", type=int, default=0, help="tokens before those of decode")
    parser.add_argument("--json")
    args = report.parse(parser)
    if not shutil.which(args.binary):
        parser.error(f"--binary {args.binary}: there is none; name the llama-bench of llama.cpp")
    prefill = args.bench == "prefill"
    if args.context < 0 or (prefill and args.context):
        parser.error(f"--context {args.context}: must be 0 or more, of decode alone")
    tokens = args.tokens or (512 if prefill else 128)
    results, build, parameters = [], "", 0
    for file in args.files:
        counts = ["-p", str(tokens), "-n", "0"] if prefill else ["-p", "0", "-n", str(tokens)]
        counts += ["-d", str(args.context)] if args.context else []
        command = [args.binary, "-m", file, "-t", str(args.threads), "-r", str(args.repeat)]
        done = subprocess.run(command + counts + ["-o", "json"], check=True, stdout=subprocess.PIPE)
        for row in json.loads(done.stdout):
            rates = row["samples_ts"]
            build, parameters = row["build_commit"], row["model_n_params"]
            what = {"weights": os.path.splitext(os.path.basename(file))[0]}
            if not prefill:
                what.update({"streams": 1, "context": args.context})
            results.append(report.result({**what, "tokens": tokens}, rates))
    report.write(
        args,
        args.bench,
        "llama.cpp " + build,
        results,
        threads=args.threads,
        shape={"parameters": parameters},
        peak_rss_bytes=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024,
    )


if __name__ == "__main__":
    report.run(main)
