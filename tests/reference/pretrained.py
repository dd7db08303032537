#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Models of timm, Hugging Face's transformers and torchvision, with random weights.

    pip install timm transformers torchvision safetensors
    python3 tests/reference/pretrained.py

writes small ones as their libraries save them, with images and results, into pretrained/. With

    cmake --build build --target pretrained_check
    python3 tests/reference/pretrained.py --check build/tests/pretrained_check

all of them, published sizes too, go to eigengrad and back: how far its results are from the
package's, and the package's from what it was before, relative to the largest.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

import timm
import torch
import torchvision
import transformers as hf
from safetensors.torch import load_file, save_file

HERE = pathlib.Path(__file__).parent / "pretrained"
TOLERANCE = 1e-4

SMALL_TIMM = dict(img_size=8, patch_size=4, embed_dim=12, depth=2, num_heads=3, num_classes=5)
SMALL_HF = dict(hidden_size=12, num_hidden_layers=2, num_attention_heads=3, image_size=8,
                patch_size=4, intermediate_size=24)
SMALL_DINO = {k: v for k, v in SMALL_HF.items() if k != "intermediate_size"} | dict(mlp_ratio=2)


def randomize(model):
    """No weight stays a zero or a one: what is forgotten would not be seen."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            if "pos" in name or "token" in name:
                p.copy_(0.5 * noise)
            elif p.dim() < 2 or p.abs().max() == 0:
                p.add_(0.1 * noise)
    return model.eval()


class Case:
    """A model, how its library saves and loads it, and what of its output counts."""

    def __init__(self, name, model, inputs, save, load, read=lambda y: y, heads=0, form=""):
        self.name, self.model, self.inputs = name, randomize(model), inputs
        self.save, self.load, self.read, self.heads, self.form = save, load, read, heads, form

    def outputs(self, model=None):
        with torch.no_grad():
            return self.read((model or self.model)(self.inputs)).contiguous()


def images(size):
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))


def timm_case(name, architecture, size, **options):
    model = timm.create_model(architecture, **options)
    arguments = {k: v for k, v in options.items() if k not in ("num_classes", "global_pool")}
    return Case(
        name, model, images(size),
        lambda folder: timm.models.save_for_hf(model, folder, model_args=arguments,
                                               safe_serialization=True),
        lambda folder: timm.create_model(f"local-dir:{folder}", pretrained=True),
        form="timm")


def hf_case(name, kind, config, read, form="huggingface", **options):
    model = kind(config, **options)
    return Case(name, model, images(config.image_size), model.save_pretrained,
                lambda folder: kind.from_pretrained(folder), read, form=form)


def torchvision_case(name, model, size, heads=0):
    def load(folder):
        with torch.no_grad():
            for p in model.parameters():
                p.zero_()
        model.load_state_dict(load_file(pathlib.Path(folder) / "model.safetensors"))
        return model

    return Case(name, model, images(size),
                lambda folder: save_file(model.state_dict(), pathlib.Path(folder) / "model.safetensors"),
                load, heads=heads, form="torchvision")


def gpt2_case(name, config):
    model = hf.GPT2LMHeadModel(config)
    tokens = torch.randint(config.vocab_size, (2, 6), generator=torch.Generator().manual_seed(2))
    return Case(name, model, tokens, model.save_pretrained, hf.GPT2LMHeadModel.from_pretrained,
                lambda y: y.logits, form="gpt2")


def small_cases():
    vit, gpt2 = hf.ViTConfig, hf.GPT2Config
    yield timm_case("timm_token", "vit_tiny_patch16_224", 8, **SMALL_TIMM)
    yield timm_case("timm_mean", "vit_tiny_patch16_224", 8, global_pool="avg", init_values=0.5,
                    reg_tokens=2, no_embed_class=True, **SMALL_TIMM)
    yield timm_case("timm_distilled", "deit_tiny_distilled_patch16_224", 8, **SMALL_TIMM)
    yield timm_case("timm_clip", "vit_base_patch16_clip_224", 8, **SMALL_TIMM)
    yield hf_case("hf_classifier", hf.ViTForImageClassification, vit(num_labels=5, **SMALL_HF),
                  lambda y: y.logits)
    yield hf_case("hf_pooler", hf.ViTModel, vit(qkv_bias=False, hidden_act="gelu_new", **SMALL_HF),
                  lambda y: y.pooler_output)
    yield hf_case("hf_dinov2", hf.Dinov2WithRegistersModel,
                  hf.Dinov2WithRegistersConfig(num_register_tokens=3, **SMALL_DINO),
                  lambda y: y.pooler_output, form="")
    yield torchvision_case(
        "torchvision",
        torchvision.models.VisionTransformer(8, 4, 2, 3, 12, 24, num_classes=5,
                                             representation_size=7), 8, heads=3)
    yield gpt2_case("gpt2", gpt2(vocab_size=11, n_positions=8, n_embd=12, n_layer=2, n_head=3,
                                 bos_token_id=0, eos_token_id=1))


def large_cases():
    vit, deit = hf.ViTConfig, hf.DeiTConfig
    for name in ("vit_tiny_patch16_224", "vit_small_patch16_224", "deit_tiny_patch16_224",
                 "deit_tiny_distilled_patch16_224", "deit3_small_patch16_224"):
        yield timm_case(name, name, 224)
    yield timm_case("vit_small_patch14_reg4_dinov2", "vit_small_patch14_reg4_dinov2", 518)
    yield timm_case("32 px, patch 4", "vit_tiny_patch16_224", 32, img_size=32, patch_size=4,
                    num_classes=10)
    small = dict(img_size=32, patch_size=4, embed_dim=48, depth=2, num_heads=3, num_classes=10)
    for pool in (dict(), dict(class_token=False), dict(fc_norm=False), dict(qkv_bias=False)):
        yield timm_case(f"timm, mean, {pool}", "vit_tiny_patch16_224", 32, global_pool="avg",
                        **pool, **small)
    yield hf_case("ViTForImageClassification", hf.ViTForImageClassification, vit(),
                  lambda y: y.logits)
    yield hf_case("ViTModel", hf.ViTModel, vit(), lambda y: y.pooler_output)
    yield hf_case("ViTModel without pooler", hf.ViTModel, vit(),
                  lambda y: y.last_hidden_state[:, 0], add_pooling_layer=False)
    yield hf_case("DeiTForImageClassification", hf.DeiTForImageClassification, deit(**SMALL_HF),
                  lambda y: y.logits, form="")
    yield hf_case("DeiTForImageClassificationWithTeacher",
                  hf.DeiTForImageClassificationWithTeacher, deit(**SMALL_HF), lambda y: y.logits,
                  form="")
    yield hf_case("Dinov2Model", hf.Dinov2Model, hf.Dinov2Config(**SMALL_DINO),
                  lambda y: y.pooler_output, form="")
    yield torchvision_case("vit_b_16", torchvision.models.vit_b_16(), 224)
    yield gpt2_case("GPT2LMHeadModel", hf.GPT2Config())
    yield gpt2_case("GPT2LMHeadModel, untied", hf.GPT2Config(n_layer=2, tie_word_embeddings=False))


def write():
    for case in small_cases():
        folder = HERE / case.name
        folder.mkdir(parents=True, exist_ok=True)
        case.save(folder)
        for extra in folder.glob("generation_config.json"):
            extra.unlink()
        save_file({"inputs": case.inputs, "outputs": case.outputs()}, folder / "expected.safetensors")


def distance(a, b):
    return float((a - b).abs().max() / b.abs().max())


def check_case(program, case, folder):
    theirs, inputs, results, ours = (folder / n for n in ("in", "inputs.safetensors",
                                                          "results.safetensors", "out"))
    theirs.mkdir()
    case.save(theirs)
    save_file({"inputs": case.inputs}, inputs)
    expected = case.outputs()
    command = [program, theirs, inputs, results, "--heads", str(case.heads)]
    if case.form:
        command += ["--save", ours, "--format", case.form]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return done.stderr.strip() or f"exit status {done.returncode}"
    there = distance(load_file(results)["outputs"], expected)
    back = distance(case.outputs(case.load(ours).eval()), expected) if case.form else 0
    line = f"{there:.1e} in, " + (f"{back:.1e} back" if case.form else "not written back")
    return line if max(there, back) <= TOLERANCE else f"{line}: more than {TOLERANCE}"


def check(program):
    failed = 0
    for cases in (small_cases(), large_cases()):
        for case in cases:
            with tempfile.TemporaryDirectory() as folder:
                said = check_case(program, case, pathlib.Path(folder))
            ok = said.endswith(("back", "in", "written back"))
            failed += not ok
            print(f"{'ok  ' if ok else 'FAIL'} {case.name}: {said}", flush=True)
    sys.exit(1 if failed else 0)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
parser.add_argument("--check", metavar="PROGRAM", help="compare all models instead of writing")
options = parser.parse_args()
hf.logging.set_verbosity_error()
check(os.path.abspath(options.check)) if options.check else write()
