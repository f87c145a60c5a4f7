"""Distributions of transformers for the sampler's test: api/src/test/resources/sampling.json.

    python bench/peers/sampling.py api/src/test/resources

Made with PyTorch 2.13.0 and transformers 5.18.0 on a CPU in float32. Logits and previous ids are
those of golden/sampling.safetensors. Each case builds the list of processors that generate() would
build of the same configuration, in its order (GenerationMixin._get_logits_processor), and records the
ids that are left with their probabilities.
"""

import json
import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file
from transformers import GenerationConfig, LlamaConfig
from transformers.generation.utils import GenerationMixin

ROOT = Path(sys.argv[1])
GOLDEN = load_file(ROOT / "golden/sampling.safetensors")
PREVIOUS = GOLDEN["prev_ids"].flatten().tolist()
EOS = [3, 116]


class Model(GenerationMixin):
    config = LlamaConfig(vocab_size=512)


def case(name, logits, generated, **params):
    """`generated`: how many of the previous ids count as output, the others as prompt."""
    scores = GOLDEN[logits].reshape(1, -1).clone()
    allowed = params.pop("allowed_token_ids", None)
    config = GenerationConfig(num_beams=1, **params)
    config._eos_token_tensor = torch.tensor(EOS)
    ids = torch.tensor([PREVIOUS])
    processors = Model()._get_logits_processor(
        config,
        input_ids_seq_length=len(PREVIOUS) - generated,
        prefix_allowed_tokens_fn=(lambda batch, seen: allowed) if allowed else None,
        device="cpu",
    )
    probabilities = processors(ids, scores).softmax(-1)[0]
    kept = probabilities.nonzero().flatten().tolist()
    return {
        "name": name,
        "logits": logits,
        "generated": generated,
        "params": params | ({"allowed_token_ids": allowed} if allowed else {}),
        "processors": [type(p).__name__ for p in processors],
        "ids": kept,
        "probabilities": [float(f"{probabilities[i]:.9g}") for i in kept],
    }


def cases():
    yield from (
        case(f"typical{p}", "logits", 4, do_sample=True, typical_p=p) for p in (0.2, 0.5, 0.9, 0.99)
    )
    yield case("typical0.5_ties", "logits_ties", 4, do_sample=True, typical_p=0.5)
    yield case("t_typical", "logits", 4, do_sample=True, temperature=1.7, typical_p=0.8)
    yield case(
        "k_p_min_typical", "logits", 4, do_sample=True,
        temperature=1.4, top_k=60, top_p=0.95, min_p=0.01, typical_p=0.7,
    )
    yield case("k_min", "logits", 4, do_sample=True, temperature=0.9, top_k=30, min_p=0.03)
    last = PREVIOUS[-1]
    best = GOLDEN["logits"].flatten().topk(12).indices.tolist()
    words = [[best[0]], [last, best[1]], [PREVIOUS[-2], last, best[2]], [last, last, best[3]]]
    bias = [[[best[4]], 3.5], [[best[5]], -100.0], [[PREVIOUS[0]], 1.25]]
    yield case("bias", "logits", 4, do_sample=True, sequence_bias=bias, top_k=40)
    yield case("bad_words", "logits", 4, do_sample=True, bad_words_ids=words, top_k=40)
    yield case("min_new_tokens", "logits", 4, do_sample=True, min_new_tokens=5, top_k=40)
    yield case("min_new_tokens_reached", "logits", 5, do_sample=True, min_new_tokens=5, top_k=40)
    yield case("allowed", "logits", 4, do_sample=True, allowed_token_ids=sorted(best[2:9]))
    yield case(
        "allowed_all_banned", "logits", 4, do_sample=True,
        allowed_token_ids=[best[0], best[1]], bad_words_ids=words,
    )
    yield case(
        "everything", "logits", 4, do_sample=True, sequence_bias=bias, repetition_penalty=1.3,
        bad_words_ids=words, min_new_tokens=8, allowed_token_ids=list(range(0, 512, 2)) + best,
        temperature=1.2, top_k=80, top_p=0.97, min_p=0.005, typical_p=0.9,
    )


if __name__ == "__main__":
    made = {
        "source": f"torch {torch.__version__}, transformers {transformers.__version__}",
        "eos": EOS,
        "cases": list(cases()),
    }
    for c in made["cases"]:
        print(c["name"], len(c["ids"]), c["processors"], file=sys.stderr)
    rows = ",\n".join(json.dumps(c) for c in made.pop("cases"))
    head = json.dumps(made)[:-1]
    (ROOT / "sampling.json").write_text(f'{head}, "cases": [\n{rows}\n]}}\n')
