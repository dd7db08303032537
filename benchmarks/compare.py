# SPDX-License-Identifier: MIT
"""Runs vit_step and its peers one after the other and makes the table of docs/performance.md.

Started by compare.sh, which builds vit_step and says how the peers run best.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "performance.md"
LIMITS = {"fma": "the peak", "memory": "the bandwidth"}


class Configuration:
    """A line of the table: options that vit_step and the peers share, and how many steps to time."""

    def __init__(self, title, options, steps, large=False):
        self.title, self.options, self.steps, self.large = title, options.split(), steps, large

    def is_convolutional(self):
        return "--channels" in self.options


HEADLINE = "--dim 192 --depth 6 --heads 3"
CONFIGURATIONS = [
    Configuration("training step, dim 192, depth 6, batch 64", HEADLINE + " --batch 64", 10),
    Configuration(
        "training step, convolutional tokenizer, dim 192, depth 4, batch 128",
        "--channels 32,96 --dim 192 --depth 4 --heads 3 --mlp-ratio 2 --batch 128",
        10,
    ),
    Configuration("forward, dim 192, depth 6, batch 64", HEADLINE + " --batch 64 --inference", 20),
    Configuration("forward, the same, one image", HEADLINE + " --batch 1 --inference", 200),
    Configuration(
        "training step, dim 128, depth 4, batch 64", "--dim 128 --depth 4 --heads 4 --batch 64", 20
    ),
    Configuration(
        "training step, dim 256, depth 6, batch 64", "--dim 256 --depth 6 --heads 4 --batch 64", 10
    ),
    Configuration(
        "training step, dim 384, depth 7, batch 64", "--dim 384 --depth 7 --heads 6 --batch 64", 5
    ),
    Configuration(
        "training step, dim 192, depth 6, patch 8, batch 64",
        HEADLINE + " --patch 8 --batch 64",
        20,
    ),
    Configuration(
        "training step, the unfold tutorial, batch 64",
        "--dim 102 --depth 2 --heads 3 --batch 64",
        30,
    ),
    Configuration(
        "training step, ViT line by line, batch 128",
        "--dim 256 --depth 6 --heads 8 --batch 128",
        5,
    ),
    Configuration(
        "training step, the Keras example's layers, batch 256",
        "--image 72 --patch 6 --dim 64 --depth 8 --heads 4 --head-dim 64 --mlp-ratio 2 --batch 256",
        3,
    ),
    Configuration(
        "training step, the JAX article, batch 128",
        "--dim 192 --depth 12 --heads 3 --batch 128",
        3,
    ),
    Configuration(
        "training step, ViT-B/16 at 224, batch 8",
        "--image 224 --patch 16 --dim 768 --depth 12 --heads 12 --batch 8",
        3,
        large=True,
    ),
]


class Contender:
    """A program of the comparison, with its settings."""

    def __init__(self, name, command, environment=None, options=None, tuned=False):
        self.name, self.command, self.tuned = name, command, tuned
        self.environment = environment or {}
        self.options = options or (lambda configuration: [])

    def run(self, configuration, steps, threads):
        """One process: its line of JSON, or None when it failed (which is said)."""
        command = [*self.command, *configuration.options, *self.options(configuration)]
        command += ["--steps", str(steps), "--threads", str(threads)]
        if threads < os.cpu_count() and threads < len(os.sched_getaffinity(0)):
            cores = sorted(os.sched_getaffinity(0))[:threads]
            command = ["taskset", "-c", ",".join(map(str, cores)), *command]
        done = subprocess.run(
            command, env={**os.environ, **self.environment}, capture_output=True, text=True
        )
        try:
            return json.loads(done.stdout.strip().splitlines()[-1])
        except (IndexError, ValueError):
            reason = (done.stderr.strip().splitlines() or ["no output"])[-1]
            print(f"compare: {self.name} failed: {' '.join(command)}: {reason}", file=sys.stderr)
            return None


def has_modules(*names):
    check = subprocess.run([sys.executable, "-c", "import " + ", ".join(names)], capture_output=True)
    return check.returncode == 0


def contenders(arguments):
    out = [Contender("eigengrad", [arguments.vit_step, "--json"])]
    if has_modules("torch"):
        torch = [sys.executable, str(HERE / "peers" / "vit_torch.py")]
        tuned = dict(word.split("=", 1) for word in arguments.tuned)

        def layout(configuration):
            return ["--channels-last"] if configuration.is_convolutional() else []

        out.append(Contender("PyTorch", torch))
        out.append(Contender("PyTorch, tuned", torch, tuned, layout, tuned=True))
        if arguments.compile:
            out.append(
                Contender(
                    "PyTorch, tuned, compiled",
                    torch,
                    tuned,
                    lambda configuration: [*layout(configuration), "--compile"],
                    tuned=True,
                )
            )
    else:
        print("compare: PyTorch is left out; to have it: pip install torch", file=sys.stderr)
    if has_modules("jax", "optax"):
        out.append(Contender("JAX", [sys.executable, str(HERE / "peers" / "vit_jax.py")]))
    else:
        print("compare: JAX is left out; to have it: pip install jax optax", file=sys.stderr)
    return out


def measure(configurations, programs, arguments):
    """{(title, contender): [line of each round]}; in every round each program runs once."""
    results = {}
    for number in range(arguments.rounds):
        for configuration in configurations:
            steps = min(configuration.steps, 3) if arguments.quick else configuration.steps
            for program in programs:
                line = program.run(configuration, steps, arguments.threads)
                if line is None:
                    if program.name == "eigengrad":
                        sys.exit(1)
                    continue
                results.setdefault((configuration.title, program.name), []).append(line)
                print(
                    f"round {number + 1} of {arguments.rounds}: {configuration.title}: "
                    f"{program.name}: {line['ms_per_step']} ms",
                    file=sys.stderr,
                )
    return results


def median(lines, key):
    return statistics.median(line[key] for line in lines)


def ratio(configuration, results, programs, own):
    """How much faster eigengrad is than the fastest of these programs."""
    peers = [results.get((configuration.title, p.name)) for p in programs if p.name != "eigengrad"]
    found = [median(lines, "ms_per_step") for lines in peers if lines]
    return f"{min(found) / own:.2f} x" if found else ""


def table(configurations, programs, results, arguments):
    as_installed = [p for p in programs if not p.tuned]
    header = ["milliseconds (share of the FMA peak), MiB", *[p.name for p in programs]]
    if len(programs) > 1:
        header += ["faster than as installed", "than at best"]
    rows = [header, ["---"] * len(header)]
    everything = [line for lines in results.values() for line in lines if "peak_gflops" in line]
    peak = median(everything, "peak_gflops")
    for configuration in configurations:
        own = results[configuration.title, "eigengrad"]
        ms = median(own, "ms_per_step")
        gflop = median(own, "gflops") * ms
        row = [configuration.title]
        for program in programs:
            lines = results.get((configuration.title, program.name))
            if not lines:
                row.append("failed")
                continue
            took = median(lines, "ms_per_step")
            share = 100 * gflop / took / peak
            digits = 0 if took >= 100 else 2
            row.append(
                f"{took:.{digits}f} ({share:.0f} %), {median(lines, 'peak_rss_mib'):.0f}"
            )
        if len(programs) > 1:
            row.append(ratio(configuration, results, as_installed, ms))
            row.append(ratio(configuration, results, programs, ms))
        rows.append(row)
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines + ["", machine(everything, peak, results, programs, arguments)])


def machine(own, peak, results, programs, arguments):
    cpu = "unknown CPU"
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                cpu = line.split(":", 1)[1].strip()
                break
    versions = {line["peer"] for lines in results.values() for line in lines}
    text = (
        f"{cpu}, {arguments.threads} thread{'s' * (arguments.threads > 1)} on {os.cpu_count()} cores, {own[0]['isa']}: "
        f"{peak:.0f} GFLOP/s of single-precision FMA and "
        f"{median(own, 'bandwidth_gbs'):.1f} GB/s of memory, both measured in the same run. "
        f"{own[0]['compiler']}, Release, no `-m` flag; {', '.join(sorted(versions))}. "
        f"Median of {arguments.rounds} round{'s' * (arguments.rounds > 1)} in which the programs "
        "ran one after the other."
    )
    if any(p.tuned for p in programs):
        text += f" Tuned: {arguments.tuned_text}, channels-last for convolutions."
    return text


def profile(vit_step):
    """The headline step by op, as a table: what takes at least a five-hundredth of it."""
    command = [vit_step, *HEADLINE.split(), "--batch", "64", "--profile", "--json"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = [json.loads(line) for line in output.splitlines()]
    step = lines.pop()
    rows = ["| op | result | calls | ms per step | share | rate | of its limit |"]
    rows.append("|---|---|---|---|---|---|---|")
    for op in lines:
        if op["percent_of_step"] < 0.2:
            continue
        name = op["op"] + ("" if op["phase"] == "forward" else " " + op["phase"])
        rate = limit = ""
        if "limit" in op:
            rate = f"{op['gflops']:.0f} GFLOP/s" if "gflops" in op else f"{op['gbs']:.0f} GB/s"
            limit = f"{op['percent_of_limit']:.0f} % of {LIMITS[op['limit']]}"
        rows.append(
            f"| {name} | {op['result'].replace('()', '')} | {op['calls']:g} | {op['ms']:.2f} "
            f"| {op['percent_of_step']:.1f} % | {rate} | {limit} |"
        )
    rows += [
        "",
        f"`vit_step {HEADLINE} --batch 64 --profile`: {step['ms_per_step']:.0f} ms per step, "
        f"{step['percent_of_peak']:.0f} % of {step['peak_gflops']:.0f} GFLOP/s.",
    ]
    return "\n".join(rows)


def write(name, text):
    """Puts the text between the two marks of this name on the page."""
    page = PAGE.read_text()
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    head, tail = page.split(begin)[0], page.split(end)[1]
    PAGE.write_text(head + begin + "\n" + text + "\n" + end + tail)
    print(f"compare: wrote the {name} of {PAGE}", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vit-step", required=True)
    parser.add_argument("--tuned", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--tuned-text", default="")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="")
    for flag in ("quick", "large", "compile", "write"):
        parser.add_argument("--" + flag, action="store_true")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds = 1
    chosen = [
        c
        for c in CONFIGURATIONS
        if (arguments.large or not c.large) and arguments.only in c.title
    ]
    if not chosen:
        sys.exit(f'compare: no configuration has "{arguments.only}" in its title')
    programs = contenders(arguments)
    text = table(chosen, programs, measure(chosen, programs, arguments), arguments)
    if arguments.write:
        write("compare", text)
        write("profile", profile(arguments.vit_step))
    else:
        print(text)


if __name__ == "__main__":
    main()
