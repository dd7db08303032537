#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
import torch
from common import Recorder, uniform

SIZES = {"b": 2, "h": 3, "i": 4, "j": 5, "k": 3, "A": 2}

record = Recorder()
for number, equation in enumerate([
    # one operand
    "ij->ji", "ba", "bij->b", "bij->jb", "ij->", "ij->ij", "i",
    # two
    "ik,kj", "ki,jk->ij", "bik,bkj->bij", "bhik,bhjk->bhij", "bik,jk->jbi", "i,j->ij", "i,i->i",
    "i,i", "i,i->", "ij,ij->j", "bi,ij->b", "bij,k->kib", "ij,->ji", "bA,Ab", "hik,bkj->bh", "kj,ikb",
]):  # fmt: skip
    terms = equation.split("->")[0].split(",")
    sizes = {**SIZES, "a": 3}
    inputs = [
        uniform(*(sizes[c] for c in term), seed=10 + i) for i, term in enumerate(terms)
    ]
    record.case(f"{number}", lambda *x: torch.einsum(equation, *x), *inputs)
record.write()
