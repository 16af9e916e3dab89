# SPDX-License-Identifier: Apache-2.0
"""The alert rules and the dashboard that come with the program: they hold together, and ask only for metrics that it
writes."""

import json
import re
import unittest

from audit_world import at, config_with, world
from monitoring_world import MONITORING, Metrics, promtool

RULES = MONITORING / "holdfast.rules.yml"
RULES_TEST = MONITORING / "holdfast.rules.test.yml"
DASHBOARD = MONITORING / "holdfast.dashboard.json"
NAME = re.compile(r"\bholdfast_[a-z_]+")


def written_metrics():
    """Every name that a run can write: this one leaves rows, has a hold and a category that waits."""
    config = config_with({"metrics": {"textfile": "holdfast.prom"}}, run={"max_rows": 3})
    with world(config) as made:
        made.insert(at("2029-01-01"), count=5)
        made.run(expect=3)
        return set(Metrics(made.folder / "holdfast.prom").samples)


def rule_expressions():
    """What stands behind expr:, also where it goes on below."""
    text = re.sub(r"(?m)^\s*#.*$", "", RULES.read_text(encoding="utf-8"))
    return re.findall(r"expr: (.*?)(?=\n +(?:for|labels):)", text, re.DOTALL)


def dashboard_queries():
    found = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in found["panels"] for target in panel["targets"]]
    return queries + [variable["query"] for variable in found["templating"]["list"] if variable["type"] == "query"]


class MonitoringFiles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.written = written_metrics()

    def test_every_metric_that_is_asked_for_is_written(self):
        expressions = rule_expressions()
        self.assertEqual(len(expressions), RULES.read_text().count("- alert:"))
        for asked in (*expressions, *dashboard_queries(), *NAME.findall(RULES_TEST.read_text())):
            names = set(NAME.findall(asked))
            self.assertTrue(names, asked)
            self.assertLessEqual(names, self.written, asked)

    def test_every_metric_that_is_written_is_on_the_dashboard(self):
        asked = set(NAME.findall(" ".join(dashboard_queries())))
        self.assertEqual(self.written - asked, set())

    def test_each_alert_has_a_test_and_says_what_to_do(self):
        rules, tested = RULES.read_text(), RULES_TEST.read_text()
        for alert in re.findall(r"- alert: (\w+)", rules):
            self.assertIn(f"alertname: {alert}", tested)
        self.assertEqual(rules.count("- alert:"), rules.count("description:"))
        self.assertEqual(rules.count("- alert:"), rules.count("severity:"))

    def test_promtool_accepts_the_rules_and_they_fire_as_they_should(self):
        for words in (("check", "rules", RULES.name), ("test", "rules", RULES_TEST.name)):
            done = promtool(*words, cwd=MONITORING)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_panels_have_places_of_their_own(self):
        places = set()
        for panel in json.loads(DASHBOARD.read_text())["panels"]:
            at_ = panel["gridPos"]
            cells = {(x, y) for x in range(at_["x"], at_["x"] + at_["w"]) for y in range(at_["y"], at_["y"] + at_["h"])}
            self.assertFalse(places & cells, panel["title"])
            self.assertLessEqual(at_["x"] + at_["w"], 24)
            places |= cells


if __name__ == "__main__":
    unittest.main()
