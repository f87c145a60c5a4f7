"""The peer of `yushan bench kernels|train|prefill|decode`: PyTorch and transformers, a model of
the same shape with random weights, the same numbers of tokens, JSON of the same form. Of the
kernels it has products and attention.

    python docs/bench/pytorch.py kernels --shape 1b --tokens 2048 --threads 2
    python docs/bench/pytorch.py train   --shape 110m --threads 2 --json train.json
    python docs/bench/pytorch.py prefill --shape 1b --threads 2
    python docs/bench/pytorch.py decode  --shape 1b --threads 2 --streams 1,16

Needs torch and transformers. What its allocator does to training is set from outside, for example
by MALLOC_TRIM_THRESHOLD_, MALLOC_MMAP_THRESHOLD_ or LD_PRELOAD; --compile uses torch.compile.
"""

import argparse
import math
import os
import time

import report

try:
    import torch
    import transformers
except ModuleNotFoundError as missing:
    report.needs(missing, "torch transformers")

SHAPES = os.path.join(os.path.dirname(__file__), "../../cli/src/main/resources/bench")
DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
USUAL = {"15m": (8, 256), "110m": (4, 512)}


def model_of(args, dtype):
    torch.manual_seed(1)
    torch.set_default_device(args.device)
    config = transformers.LlamaConfig.from_json_file(os.path.join(SHAPES, args.shape + ".json"))
    config._attn_implementation = "sdpa"
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)  # so that a large model is not made in F32 first
    try:
        return transformers.LlamaForCausalLM(config)
    finally:
        torch.set_default_dtype(before)


def seconds(args, work, part=None):
    """The seconds of each repetition, after a few runs to warm up."""
    for _ in range(args.warm_up):
        (part or work)()
    taken = []
    for _ in range(args.repeat):
        start = time.perf_counter()
        work()
        if args.device != "cpu":
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - start)
    return taken


def often(args, work):
    """The seconds of a run, each repetition of as many as take 20 ms."""
    for _ in range(args.warm_up):
        work()
    start = time.perf_counter()
    work()
    count = max(1, math.ceil(0.02 / (time.perf_counter() - start)))
    return [s / count for s in seconds(args, lambda: [work() for _ in range(count)])]


def kernels(args):
    torch.set_default_device(args.device)
    model = transformers.LlamaConfig.from_json_file(os.path.join(SHAPES, args.shape + ".json"))
    tokens, hidden, inner = args.tokens or 2048, model.hidden_size, model.intermediate_size
    size, heads, kv_heads = model.head_dim, model.num_attention_heads, model.num_key_value_heads
    products = {
        "qkv": (tokens, (heads + 2 * kv_heads) * size, hidden),
        "output": (tokens, hidden, heads * size),
        "gate, up": (tokens, 2 * inner, hidden),
        "down": (tokens, hidden, inner),
        "head": (min(tokens, 512), model.vocab_size, hidden),
    }
    results = []

    def add(op, operands, flops, work):
        what = {"op": op, "operands": operands}
        rates = [flops * 1e-9 / s for s in often(args, work)]
        results.append(report.result(what, rates, "GFLOP/s"))

    for name, (m, n, k) in products.items():
        out = torch.empty(m, n)
        for a in "NT":
            for b in "NT":
                left = torch.randn(m, k) if a == "N" else torch.randn(k, m).T
                right = torch.randn(k, n) if b == "N" else torch.randn(n, k).T
                with torch.no_grad():
                    add(
                        f"matmul {a}{b}",
                        f"{name}, {m}·{n}·{k}",
                        2.0 * m * n * k,
                        lambda: torch.matmul(left, right, out=out),
                    )
    q = torch.randn(1, heads, tokens, size, requires_grad=True)
    k, v = (torch.randn(1, kv_heads, tokens, size, requires_grad=True) for _ in "kv")

    def attention():
        return torch.nn.functional.scaled_dot_product_attention(
            q, k, v, is_causal=True, enable_gqa=kv_heads < heads
        )

    flops = 4.0 * heads * size * tokens * (tokens + 1) / 2
    operands = f"{tokens} tokens, {heads} heads on {kv_heads}"
    with torch.no_grad():
        add("attention", operands, flops, attention)
    out = attention()
    gradient = torch.randn_like(out)
    add(
        "attentionBackward",
        operands,
        2 * flops,
        lambda: torch.autograd.grad(out, (q, k, v), gradient, retain_graph=True),
    )
    return None, results


def train(args):
    batch, length = USUAL.get(args.shape, (1, 512))
    batch, length = args.batch or batch, args.length or length
    model = model_of(args, torch.float32).train()
    run = torch.compile(model) if args.compile else model
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, weight_decay=0)
    ids = torch.randint(model.config.vocab_size, (batch, length))

    def step():
        optimizer.zero_grad(set_to_none=False)
        run(input_ids=ids, labels=ids, use_cache=False).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    what = {"batch": batch, "length": length, "compiled": args.compile}
    rates = [batch * length / s for s in seconds(args, step)]
    return model, [report.result(what, rates)]


@torch.inference_mode()
def prefill(args):
    results = []
    tokens = args.tokens or 512
    for name in args.weights.split(","):
        model = model_of(args, DTYPES[name]).eval()
        ids = torch.randint(model.config.vocab_size, (1, tokens))
        taken = seconds(args, lambda: model(input_ids=ids, logits_to_keep=1))
        rates = [tokens / s for s in taken]
        results.append(report.result({"weights": name, "tokens": tokens}, rates))
    return model, results


@torch.inference_mode()
def decode(args):
    results = []
    tokens = args.tokens or 128
    for name in args.weights.split(","):
        model = model_of(args, DTYPES[name]).eval()
        for count in args.streams:
            ids = torch.randint(model.config.vocab_size, (count, 1))

            def generate(steps=tokens):
                cache = transformers.DynamicCache()
                for _ in range(steps):
                    cache = model(input_ids=ids, past_key_values=cache, use_cache=True).past_key_values

            taken = seconds(args, generate, lambda: generate(4))
            what = {"weights": name, "streams": count, "context": 0, "tokens": tokens}
            results.append(report.result(what, [count * tokens / s for s in taken]))
    return model, results


# options that not every bench takes
USED_BY = {
    "batch": ["train"],
    "length": ["train"],
    "compile": ["train"],
    "tokens": ["kernels", "prefill", "decode"],
    "streams": ["decode"],
    "weights": ["prefill", "decode"],
}


def streams(text):
    """The type of --streams."""
    return [report.positive(part) for part in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bench", choices=["kernels", "train", "prefill", "decode"])
    parser.add_argument("--shape", default="15m", choices=["15m", "110m", "1b", "3b"])
    parser.add_argument("--device", default="cpu", help="cpu, cuda")
    parser.add_argument("--threads", type=int, default=0, help="0 for all")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--warm-up", type=int, default=2, help="runs before the first that counts")
    parser.add_argument("--batch", type=report.positive)
    parser.add_argument("--length", type=report.positive)
    parser.add_argument("--tokens", type=report.positive)
    parser.add_argument("--streams", default=[1, 16], type=streams, help="one number or several")
    parser.add_argument("--weights", default="f32", help="f32, bf16, f16")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--json")
    args = report.parse(parser, DTYPES)
    for option, benches in USED_BY.items():
        given = getattr(args, option) != parser.get_default(option)
        if given and args.bench not in benches:
            parser.error(f"--{option} is for {' and '.join(benches)}; leave it out")
    if args.device != "cpu" and not torch.cuda.is_available():
        parser.error(f"--device {args.device}: this PyTorch finds no GPU; leave it out")
    torch.set_num_threads(args.threads)
    run = {"kernels": kernels, "train": train, "prefill": prefill, "decode": decode}[args.bench]
    model, results = run(args)
    report.write(
        args,
        args.bench,
        f"torch {torch.__version__}, transformers {transformers.__version__}",
        results,
        device=torch.cuda.get_device_name() if args.device != "cpu" else "cpu",
        threads=args.threads,
        shape={"name": args.shape, "parameters": model.num_parameters() if model else None},
    )


if __name__ == "__main__":
    report.run(main)
