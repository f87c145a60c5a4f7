"""Makes src/test/resources/golden: two tiny random Qwen3 models, and what transformers computes of them.

    pip install torch==2.13.0 transformers==5.18.0 safetensors==0.8.0
    python golden.py ../resources/golden
"""

import json
import pathlib
import sys

import safetensors.torch
import torch
import transformers
from transformers import Qwen3Config, Qwen3ForCausalLM

COMMON = dict(
    max_position_embeddings=128,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=0,
    attn_implementation="eager",
)
MODELS = {
    "a": dict(
        vocab_size=192,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0},
        rms_norm_eps=1e-6,
        tie_word_embeddings=True,
        dtype="bfloat16",
    ),
    "b": dict(
        vocab_size=96,
        hidden_size=24,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=3,
        num_key_value_heads=1,
        head_dim=12,
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
        rms_norm_eps=1e-5,
        tie_word_embeddings=False,
        dtype="float32",
    ),
}
LENGTH = 16
PROMPTS = {"short": 5, "long": 40}
GENERATED = 24


def fresh(shape):
    """A model whose norms are not all one, and whose attention is not flat."""
    model = Qwen3ForCausalLM(Qwen3Config(**COMMON, **shape)).to(torch.float32)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith(("q_norm.weight", "k_norm.weight")):
                p.copy_(1.5 + 0.5 * torch.randn_like(p))
            elif name.endswith("norm.weight"):
                p.copy_(1 + 0.3 * torch.randn_like(p))
            elif "embed" in name or "lm_head" in name:
                p.copy_(0.25 * torch.randn_like(p))
            else:
                p.copy_(torch.randn_like(p) / p.shape[1] ** 0.5)
    return model


def forward(model, ids, labels):
    model.zero_grad()
    out = model(input_ids=ids, labels=labels)
    out.loss.backward()
    gradients = {name: p.grad.clone() for name, p in model.named_parameters()}
    return out.logits.detach(), out.loss.detach(), gradients


def greedy(model, vocabulary):
    tensors, margin = {}, float("inf")
    for name, length in PROMPTS.items():
        prompt = torch.randint(3, vocabulary, (1, length))
        out = model.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            do_sample=False,
            max_new_tokens=GENERATED,
            min_new_tokens=GENERATED,
            eos_token_id=None,
            output_logits=True,
            return_dict_in_generate=True,
        )
        tokens = out.sequences[0, length:]
        logits = torch.stack([step[0] for step in out.logits])
        top = logits.topk(2).values
        margin = min(margin, (top[:, 0] - top[:, 1]).min().item())
        tensors[name + ".prompt"] = prompt[0]
        tensors[name + ".tokens"] = tokens
        tensors[name + ".logprobs"] = logits.log_softmax(-1).gather(1, tokens[:, None])[:, 0]
    return tensors, margin


def make(name, shape, target):
    directory = target / f"tiny-qwen3-{name}"
    model = fresh(shape)
    model.to(getattr(torch, shape["dtype"])).save_pretrained(directory)
    model = Qwen3ForCausalLM.from_pretrained(
        directory, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    ids = torch.randint(3, shape["vocab_size"], (2, LENGTH))
    labels = ids.clone()
    labels[0, 3:6] = -100
    labels[1, -2:] = -100
    logits, loss, gradients = forward(model, ids, labels)
    tensors, margin = greedy(model, shape["vocab_size"])
    exact = forward(model.double(), ids, labels)

    def save(kind, values):
        values = {k: v.contiguous() for k, v in values.items()}
        safetensors.torch.save_file(values, target / f"{name}_{kind}.safetensors")

    save("forward", {"input_ids": ids, "labels": labels, "logits": logits, "loss": loss})
    save("grads", gradients)
    save("greedy", tensors)
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "loss": loss.item(),
        "logits_std": logits.std().item(),
        "logits_fp32_vs_fp64_max_abs": (logits - exact[0]).abs().max().item(),
        "gradients_fp32_vs_fp64_max_rel_norm": max(
            ((g - exact[2][k]).norm() / exact[2][k].norm()).item() for k, g in gradients.items()
        ),
        "greedy_min_top1_top2_margin": margin,
        "greedy_distinct_tokens": {p: len(tensors[p + ".tokens"].unique()) for p in PROMPTS},
    }


def main():
    target = pathlib.Path(sys.argv[1])
    torch.manual_seed(8)
    manifest = {
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "tolerance": "relative norm 1e-5 of logits, loss and each gradient; 2e-5 of log-probabilities",
    }
    for name, shape in MODELS.items():
        manifest[name] = make(name, shape, target)
    (target / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


main()
