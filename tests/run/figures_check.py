# SPDX-License-Identifier: Apache-2.0
"""What every plan and every run has to add up to, whatever it was about."""

REASONS = {
    "bad_time", "unknown_code", "no_policy", "window", "hold", "hold_grace", "row_stamp", "floor", "code_floor",
    "policy_delay", "not_consumed", "not_archived", "newest_id", "limit", "not_reached",
}
COMMON_FIELDS = {"as_of", "digest", "rows_before", "deleted", "kept", "kept_by_reason", "categories"}
PLAN_FIELDS = COMMON_FIELDS | {"needs_approval"}
RUN_FIELDS = COMMON_FIELDS | {"outcome", "run_id", "rows_after", "erased", "run_hash"}
CATEGORY_FIELDS = {"tenant", "category", "window", "disposition_cutoff", "examined", "deleted", "kept"}
SAME_IN_PLAN_AND_RUN = ("as_of", "digest", "rows_before", "deleted", "kept", "kept_by_reason", "categories")
EXIT_STATUS = {"completed": 0, "failed": 1, "invalid": 2, "partial": 3, "limited": 4, "refused": 4, "interrupted": 130}
CODE = {
    "completed": "AUDIT_PRUNE_RUN_COMPLETED",
    "partial": "AUDIT_PRUNE_RUN_COMPLETED",
    "limited": "AUDIT_PRUNE_RUN_COMPLETED",
    "interrupted": "AUDIT_PRUNE_RUN_COMPLETED",
    "refused": "AUDIT_PRUNE_RUN_FAILED",
    "failed": "AUDIT_PRUNE_RUN_FAILED",
    "invalid": "AUDIT_PRUNE_RUN_FAILED",
}
LONGEST_METADATA_BYTES = 64 * 1024


def check_sums(test, report):
    """deleted + kept = rows_before, in all and in every category, and no row under two reasons."""
    test.assertEqual(report["deleted"] + report["kept"], report["rows_before"])
    test.assertEqual(sum(report["kept_by_reason"].values()), report["kept"])
    test.assertLessEqual(set(report["kept_by_reason"]), REASONS)
    test.assertTrue(report["as_of"].endswith("Z"), report["as_of"])
    for line in report["categories"]:
        test.assertLessEqual(CATEGORY_FIELDS, set(line))
        test.assertEqual(line["deleted"] + sum(line["kept"].values()), line["examined"], line)
    test.assertEqual(sum(line["deleted"] for line in report["categories"]), report["deleted"])
    test.assertEqual(sum(line["examined"] for line in report["categories"]), report["rows_before"])
    for reason, count in report["kept_by_reason"].items():
        of_categories = sum(line["kept"].get(reason, 0) for line in report["categories"])
        test.assertEqual(of_categories, count, reason)
    places = [(line["tenant"], line["category"]) for line in report["categories"]]
    test.assertEqual(len(places), len(set(places)), places)


def check_plan(test, plan):
    test.assertLessEqual(PLAN_FIELDS, set(plan))
    check_sums(test, plan)


def check_run(test, made, answer, outcome):
    """The outcome with its exit status, its fields, its one audit event, and the rows that are really there."""
    report = answer.json
    test.assertEqual(report["outcome"], outcome, answer)
    test.assertEqual(answer.exit_status, EXIT_STATUS[outcome], answer)
    test.assertLessEqual(RUN_FIELDS, set(report))
    check_sums(test, report)
    test.assertEqual("error" in report, outcome in ("refused", "failed", "invalid"), report.get("error"))
    test.assertEqual(report["rows_after"], made.query("SELECT count(*) FROM audit_events")[0][0])
    event = made.events(*set(CODE.values()))[-1]
    test.assertEqual(event["code"], CODE[outcome])
    metadata = event["metadata"]
    test.assertEqual(metadata["outcome"], outcome)
    test.assertIn(event["actor"], ("holdfast",))
    for field in ("run_id", "deleted", "kept", "as_of"):
        test.assertEqual(metadata[field], report[field], field)
    kept = {reason: count for reason, count in report["kept_by_reason"].items() if count}
    test.assertEqual({reason: count for reason, count in metadata["kept_by_reason"].items() if count}, kept)
    test.assertEqual(sum(line["deleted"] for line in metadata["categories"] or []), report["deleted"])
    length = made.query("SELECT length(CAST(metadata AS BLOB)) FROM audit_events WHERE id = ?", event["id"])[0][0]
    test.assertLessEqual(length, LONGEST_METADATA_BYTES)
    slices = made.query("SELECT coalesce(sum(deleted), 0) FROM holdfast_run_slice WHERE run_id = ?", report["run_id"])
    test.assertEqual(slices[0][0], report["deleted"])
    return report


def check_plan_equals_run(test, plan, report):
    """The plan's figures are the run's, figure by figure."""
    for field in SAME_IN_PLAN_AND_RUN:
        test.assertEqual(plan[field], report[field], field)
