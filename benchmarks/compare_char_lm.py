# SPDX-License-Identifier: MIT
"""Runs char_lm and its peer one after the other on the same text and makes a table.

Started by compare_char_lm.sh, which builds char_lm and says how PyTorch runs best.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

PEER = pathlib.Path(__file__).resolve().parent / "peers" / "char_lm_torch.py"


def run(command, environment):
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True
    )
    if done.returncode != 0:
        sys.exit(f"compare: {' '.join(command)} failed: {done.stderr.strip()}")
    return done.stdout


def run_char_lm(arguments, options, number):
    """One process: the numbers of its run.json, with the last measurement's."""
    out = pathlib.Path(arguments.folder) / f"run{number}"
    run([arguments.char_lm, "train", *options, "--out", str(out)], {})
    record = json.loads((out / "run.json").read_text())
    last = record["measurements"][-1]
    record["train_loss"] = last["train_loss"]
    record["sampled_validation_loss"] = last["validation_loss"]
    return record


def run_peer(options, environment, more):
    output = run([sys.executable, str(PEER), *options, *more], environment)
    return json.loads(output.strip().splitlines()[-1])


def programs(arguments, options):
    """Names, and functions of the round's number that give a program's line."""
    tuned = dict(word.split("=", 1) for word in arguments.tuned)
    out = {
        "eigengrad": lambda number: run_char_lm(arguments, options, number),
        "PyTorch": lambda number: run_peer(options, {}, []),
        "PyTorch, tuned": lambda number: run_peer(options, tuned, []),
    }
    if arguments.compile:
        out["PyTorch, tuned, compiled"] = lambda number: run_peer(options, tuned, ["--compile"])
    return out


def table(results, arguments):
    rows = [
        "| | ms per step | training loss | validation loss | over the whole validation text |",
        "|---|---|---|---|---|",
    ]
    times = {}
    for name, lines in results.items():
        times[name] = statistics.median(line["ms_per_step"] for line in lines)
        last = lines[-1]
        rows.append(
            f"| {name} | {times[name]:.2f} | {last['train_loss']:.4f} "
            f"| {last['sampled_validation_loss']:.4f} | {last['validation_loss']:.4f} |"
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


def main():
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--char-lm", required=True)
    parser.add_argument("--text", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--tuned", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--tuned-text", default="")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--compile", action="store_true")
    arguments, more = parser.parse_known_args()
    options = ["--text", arguments.text, "--threads", str(arguments.threads), *more]
    results = {}
    for number in range(arguments.rounds):
        for name, program in programs(arguments, options).items():
            line = program(number)
            results.setdefault(name, []).append(line)
            print(
                f"round {number + 1} of {arguments.rounds}: {name}: {line['ms_per_step']:.2f} ms, "
                f"validation loss {line['validation_loss']:.4f}",
                file=sys.stderr,
            )
    print(table(results, arguments))


if __name__ == "__main__":
    main()
