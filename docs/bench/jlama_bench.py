"""The peer of `yushan bench prefill|decode` on the JVM: Jlama on a model directory of Hugging Face
with BF16 weights, its numbers as JSON of the same form.

    python docs/bench/jlama_bench.py prefill MODEL --weights bf16,q4_0 --threads 2
    python docs/bench/jlama_bench.py decode  MODEL --weights bf16,q4_0 --threads 2 --tokens 64

MODEL has config.json, tokenizer.json and model.safetensors; `yushan init` makes one. Its Q4 (blocks
of 32 as in Q4_0, with scales of four bytes) is written beside it as MODEL-JQ4, once. What it warns
of sun.misc.Unsafe does no harm. Maven brings
Jlama; `java`, or that of JAVA_HOME, must be 22 or newer. The other settings are those of Jlama's
own command: activations in F32, rounded to BF16 for weights in BF16, to bytes for Q4. --panama uses
the Vector API in place of its native kernels.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import tempfile

import report

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "jlama")
POM = os.path.join(HERE, "pom.xml")
OPTIONS = [
    "--add-modules=jdk.incubator.vector",
    "--add-opens=jdk.incubator.vector/jdk.incubator.vector=ALL-UNNAMED",
    "--add-exports=java.base/sun.nio.ch=ALL-UNNAMED",
    "--enable-native-access=ALL-UNNAMED",
    "-Djdk.incubator.vector.VECTOR_ACCESS_OOB_CHECK=0",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
]


def class_path():
    with tempfile.NamedTemporaryFile("r") as file:
        goal = ["dependency:build-classpath", "-Dmdep.outputFile=" + file.name]
        subprocess.run(["mvn", "-q", "-f", POM, *goal], check=True)
        return file.read()


def java(libraries, arguments, options=()):
    """What a run of JlamaBench prints."""
    home = os.environ.get("JAVA_HOME")
    command = [os.path.join(home, "bin", "java") if home else "java", *OPTIONS, *options]
    command += ["-cp", libraries, os.path.join(HERE, "JlamaBench.java"), *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def quantised(libraries, model):
    """Jlama's Q4 of a model, which is made where it is missing."""
    out = os.path.abspath(model) + "-JQ4"
    if not os.path.exists(out):
        begun = out + ".part"
        shutil.rmtree(begun, ignore_errors=True)
        with tempfile.TemporaryDirectory() as source:
            for name in "config.json", "tokenizer.json", "model.safetensors":
                os.symlink(os.path.abspath(os.path.join(model, name)), os.path.join(source, name))
            with open(os.path.join(source, "README.md"), "w"):
                pass  # Jlama copies it, and fails without
            java(libraries, ["quantise", source, begun])
        os.rename(begun, out)  # one that was interrupted is not taken for a whole one
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bench", choices=["prefill", "decode"])
    parser.add_argument("model")
    parser.add_argument("--weights", default="bf16,q4_0", help="bf16, q4_0")
    parser.add_argument("--threads", type=int, default=0, help="0 for all")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--warm-up", type=int, default=2, help="runs before the first that counts")
    parser.add_argument("--tokens", type=report.positive)
    parser.add_argument("--working", default="F32", help="activations, keys, values: F32, BF16")
    parser.add_argument("--panama", action="store_true")
    parser.add_argument("--json")
    args = report.parse(parser, ("bf16", "q4_0"))
    prefill = args.bench == "prefill"
    tokens = args.tokens or (512 if prefill else 128)
    libraries = class_path()
    options = ["-Djlama.force_panama_tensor_operations=true"] if args.panama else []
    results, operations = [], ""
    for name in args.weights.split(","):
        model = quantised(libraries, args.model) if name == "q4_0" else args.model
        run = [args.bench, model, args.working, "I8", args.threads, tokens, args.repeat]
        done = json.loads(java(libraries, [*run, args.warm_up], options))
        operations = done["operations"]
        what = {"weights": name} if prefill else {"weights": name, "streams": 1, "context": 0}
        results.append(report.result({**what, "tokens": tokens}, done["rates"]))
    report.write(
        args,
        args.bench,
        f"Jlama 0.8.4, {operations}",
        results,
        threads=args.threads,
        peak_rss_bytes=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024,
    )


if __name__ == "__main__":
    report.run(main)
