# SPDX-License-Identifier: Apache-2.0
"""What the tests of metrics, alerts and webhooks share: how metrics are read, and where promtool is."""

import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

from audit_world import config_with, world
from holdfast_cli import require

PROJECT = Path(__file__).resolve().parents[2]
MONITORING = PROJECT / "scripts" / "package" / "monitoring"
FILE = "metrics/holdfast.prom"
OUTCOMES = ("completed", "partial", "limited", "refused", "failed", "invalid", "interrupted")


def promtool(*words, stdin=None, cwd=None):
    """Runs promtool; skips (fails on CI) where there is none. scripts/setup puts one into build/tools."""
    unpacked = PROJECT / "build" / "tools" / "promtool"
    program = shutil.which("promtool") or (str(unpacked) if os.access(unpacked, os.X_OK) else None)
    require(program is not None, "no promtool: scripts/setup takes it out of Debian's package prometheus")
    return subprocess.run(
        [program, *map(str, words)], input=stdin, cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )


LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
SAMPLE = re.compile(r"(holdfast_[a-z_]+)\{(.*)\} (-?[0-9.e+]+)")


def read_metrics(text):
    """Every sample by its name: {frozenset of label pairs: value}. The database's label is left out; each family has to
    begin with HELP and TYPE."""
    assert text.endswith("\n"), text[-80:]
    samples, family = {}, None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            _, _, family, words = line.split(" ", 3)
            assert words and family not in samples, line
        elif line.startswith("# TYPE "):
            assert line == f"# TYPE {family} gauge", line
            samples[family] = {}
        else:
            name, labels, value = SAMPLE.fullmatch(line).groups()
            pairs = LABEL.findall(labels)
            assert name == family and pairs[0][0] == "database", line
            assert len("".join(f'{n}="{v}",' for n, v in pairs)) - 1 == len(labels), line
            key = frozenset(pairs[1:])
            assert key not in samples[name], f"twice: {line}"
            samples[name][key] = float(value)
    compare_with_library(text, samples)
    return samples


def compare_with_library(text, samples):
    """The same as Prometheus' own client reads it, where that is installed."""
    try:
        from prometheus_client.parser import text_string_to_metric_families
    except ImportError:
        return
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.type == "gauge" and family.documentation, family
        for sample in family.samples:
            labels = frozenset(pair for pair in sample.labels.items() if pair[0] != "database")
            found.setdefault(sample.name, {})[labels] = sample.value
    assert found == {name: values for name, values in samples.items() if values}, (found, samples)


class Metrics:
    """The file that a run left, as figures."""

    def __init__(self, path):
        self.text = Path(path).read_text(encoding="utf-8")
        self.samples = read_metrics(self.text)

    def __contains__(self, name):
        return f"holdfast_{name}" in self.samples

    def value(self, name, **labels):
        return self.samples[f"holdfast_{name}"][frozenset(labels.items())]

    def labels(self, name, label):
        return {dict(labels)[label] for labels in self.samples[f"holdfast_{name}"]}

    @property
    def outcome(self):
        found = {o: self.value("last_run_outcome", outcome=o) for o in OUTCOMES}
        assert sorted(found.values()) == [0, 0, 0, 0, 0, 0, 1], found
        return max(found, key=found.get)


def metered(*changes, **sections):
    return config_with({"metrics": {"textfile": FILE}}, *changes, **sections)


class Metered(unittest.TestCase):
    """Tests over an installation that writes metrics into a folder of their own."""

    def world(self, config=None, **options):
        made = self.enterContext(world(metered() if config is None else config, **options))
        (made.folder / "metrics").mkdir()
        self.file = made.folder / FILE
        return made

    def metrics(self):
        return Metrics(self.file)
