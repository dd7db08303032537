# SPDX-License-Identifier: MIT
"""Runs translate and its peer one after the other on the same pairs and makes a table.

Started by compare_translate.sh, which builds translate and says how PyTorch runs best.
"""

import argparse
import json
import os
import pathlib
import statistics
import sys

from compare_char_lm import run

PEER = pathlib.Path(__file__).resolve().parent / "peers" / "translate_torch.py"


def run_translate(arguments, options, number):
    """One process: the numbers of its run.json, with the last measurement's."""
    out = pathlib.Path(arguments.folder) / f"run{number}"
    run([arguments.translate, "train", *options, "--out", str(out)], {})
    record = json.loads((out / "run.json").read_text())
    return {**record, **record["measurements"][-1]}


def programs(arguments, options):
    """Names, and functions of the round's number that give a program's line."""
    files = ["--pairs", f"{arguments.folder}/train.tsv", "--unseen", f"{arguments.folder}/unseen.tsv"]

    def peer(environment, *more):
        output = run([sys.executable, str(PEER), *options, *files, *more], environment)
        return json.loads(output.strip().splitlines()[-1])

    tuned = dict(word.split("=", 1) for word in arguments.tuned)
    out = {
        "eigengrad": lambda number: run_translate(arguments, options, number),
        "PyTorch": lambda number: peer({}),
        "PyTorch, tuned": lambda number: peer(tuned),
    }
    if arguments.compile:
        out["PyTorch, tuned, compiled"] = lambda number: peer(tuned, "--compile")
    return out


def table(results, arguments):
    rows = ["| | ms per step | training loss | unseen loss |", "|---|---|---|---|"]
    times = {}
    for name, lines in results.items():
        times[name] = statistics.median(line["ms_per_step"] for line in lines)
        last = lines[-1]
        rows.append(
            f"| {name} | {times[name]:.2f} | {last['train_loss']:.4f} | {last['unseen_loss']:.4f} |"
        )
    own = times.pop("eigengrad")
    best = min(times, key=times.get)
    rows += [
        "",
        f"eigengrad is {times['PyTorch'] / own:.2f} x as fast as PyTorch as installed and "
        f"{times[best] / own:.2f} x as fast as {best}. {arguments.threads} threads, median of "
        f"{arguments.rounds} rounds. Tuned: {arguments.tuned_text}.",
    ]
    return "\n".join(rows)


def write_pairs(arguments):
    """The pairs of `steps` steps and of the measurements."""
    pairs = [arguments.translate, "pairs", "--task", arguments.task]
    folder = pathlib.Path(arguments.folder)
    count = str(arguments.steps * arguments.batch)
    (folder / "train.tsv").write_text(run([*pairs, "--count", count], {}), encoding="utf-8")
    unseen = run([*pairs, "--count", "200", "--unseen"], {})
    (folder / "unseen.tsv").write_text(unseen, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--translate", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--tuned", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--tuned-text", default="")
    parser.add_argument("--task", default="numbers")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--compile", action="store_true")
    arguments, more = parser.parse_known_args()
    options = [*more]
    for name in ("task", "steps", "batch", "threads"):
        options += [f"--{name}", str(getattr(arguments, name))]
    write_pairs(arguments)
    results = {}
    for number in range(arguments.rounds):
        for name, program in programs(arguments, options).items():
            line = program(number)
            results.setdefault(name, []).append(line)
            print(
                f"round {number + 1} of {arguments.rounds}: {name}: {line['ms_per_step']:.2f} ms, "
                f"unseen loss {line['unseen_loss']:.4f}",
                file=sys.stderr,
            )
    print(table(results, arguments))


if __name__ == "__main__":
    main()
