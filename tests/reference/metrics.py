#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Needs scikit-learn as well; the calibration error is written out as its paper defines it."""
import torch
from common import Recorder, uniform
from sklearn.metrics import confusion_matrix, precision_score, recall_score, top_k_accuracy_score

classes = 8
logits = uniform(500, classes, low=-3, high=3).detach().float()
labels = torch.randint(classes, (500,), generator=torch.Generator().manual_seed(2))
logits[torch.arange(500), labels] += 2.5 * (torch.arange(500) % 3 > 0)

confidence, predicted = logits.double().softmax(1).max(1)
ece = 0.0
for m in range(1, 16):
    inside = (confidence > (m - 1) / 15) & (confidence <= m / 15)
    if inside.any():
        right = (predicted == labels)[inside].double().mean()
        ece += inside.double().mean() * (right - confidence[inside].mean()).abs()

record = Recorder()
record.add(logits=logits, labels=labels, ece=ece,
           top1=torch.tensor(top_k_accuracy_score(labels, logits, k=1)),
           top5=torch.tensor(top_k_accuracy_score(labels, logits, k=5)),
           confusion=torch.tensor(confusion_matrix(labels, predicted)),
           recall=torch.tensor(recall_score(labels, predicted, average=None)),
           precision=torch.tensor(precision_score(labels, predicted, average=None)))
record.write()
