# SPDX-License-Identifier: Apache-2.0
"""Seeded configs: windows, floors, presets, tenants, safety limits; and later edits of them."""

import copy

from audit_catalogue import PRESETS, SLUG_BY_NAME, Catalogue

WINDOWS = ("1 day", "7 days", "30 days", "1 month", "3 months", "90 days", "6 months", "13 months")
WINDOWS += ("1 year", "365 days")
LONG_WINDOWS = ("18 months", "2 years", "7 years", "forever")
FLOORS = ("20 days", "1 month", "100 days", "6 months", "12 months")
CODE_FLOORS = ("45 days", "7 months", "400 days", "10 years")
SHORT_PRESETS = ("cis-8.10", "fedramp-au-11", "eu-ai-act", "pci-10.5.1", "nist-au-11", "ccpa-requests", "cnil-logs")
UNDER_EVERY_CAP = ("1 day", "7 days", "30 days", "1 month", "3 months", "90 days", "6 months")
NEW_CATEGORY = "billing"
NAME_BY_SLUG = {slug: name for name, slug in SLUG_BY_NAME.items()}


def random_window(rng):
    return rng.choice(LONG_WINDOWS) if rng.random() < 0.1 else rng.choice(WINDOWS)


def random_extension(rng, integer_codes):
    """Codes of one's own, by category slug."""
    slugs = [*rng.sample(sorted(NAME_BY_SLUG), 3), NEW_CATEGORY]
    if integer_codes:
        return {str(1000 + 7 * n): rng.choice(slugs) for n in range(12)}
    return {f"OWN_CODE_{n}": rng.choice(slugs) for n in range(4)}


def extension_text(extension):
    """The file that `catalogue.extend` names."""
    lines = ["category\tcode\tseverity\tdescription"]
    for code, slug in extension.items():
        lines.append(f"{NAME_BY_SLUG.get(slug, slug)}\t{code}\tInfo\tA code of the tests.")
    return "\n".join(lines) + "\n"


def random_entry(rng, floors, with_window=True):
    entry = {"basis": "random world"}
    if with_window:
        entry["window"] = random_window(rng)
    if floors and (not with_window or rng.random() < 0.35):
        entry["at_least"] = rng.choice(floors)
    return entry


def random_tenant_policy(rng, cast):
    entries = {"category": {}, "code": {}}
    for slug in rng.sample(cast.categories, min(3, len(cast.categories))):
        entries["category"][slug] = random_entry(rng, ())
    if rng.random() < 0.5:
        entries["code"][rng.choice(cast.codes)] = random_entry(rng, ())
    return {kind: found for kind, found in entries.items() if found}


def random_preset(rng, cast):
    name = rng.choice(SHORT_PRESETS)
    preset = {"name": name, "categories": rng.sample(cast.categories, min(2, len(cast.categories)))}
    if PRESETS[name] == (None, None):
        preset["min"] = "50 days"
    return preset


def windows_of_category(retention, category_by_code, slug):
    """Every window that could apply to a row of a category."""
    for scope in (retention, *retention.get("tenant", {}).values()):
        if "window" in scope.get("category", {}).get(slug, {}):
            yield scope["category"][slug]["window"]
        for code, entry in scope.get("code", {}).items():
            if category_by_code.get(code) == slug and "window" in entry:
                yield entry["window"]


def fits_caps(retention, extension):
    """Whether no window is longer than a preset's cap; doubtful ones count as longer."""
    category_by_code = Catalogue(extension=extension).category_by_code
    for preset in retention.get("presets", []):
        if PRESETS[preset["name"]][1] is None:
            continue
        for slug in preset["categories"]:
            windows = windows_of_category(retention, category_by_code, slug)
            if not all(window in UNDER_EVERY_CAP for window in windows):
                return False
    return True


def without_capped_presets(retention, extension):
    if not fits_caps(retention, extension):
        retention["presets"] = [p for p in retention["presets"] if PRESETS[p["name"]][1] is None]
    return retention


def random_retention(rng, cast):
    """The tables under [retention] for a cast: `categories`, `codes`, `tenants`, `extension`."""
    categories = {}
    for slug in cast.categories:
        if rng.random() < 0.9:
            categories[slug] = random_entry(rng, FLOORS)
    codes = {code: random_entry(rng, CODE_FLOORS, rng.random() < 0.5) for code in rng.sample(cast.codes, 3)}
    tenants = {t: random_tenant_policy(rng, cast) for t in cast.tenants if t and rng.random() < 0.5}
    presets = [random_preset(rng, cast) for _ in range(rng.randint(0, 2))]
    retention = {"presets": presets, "category": categories, "code": codes, "tenant": tenants}
    return without_capped_presets(retention, cast.extension)


def random_safety(rng, lagging, limited):
    """[safety]: spans that often equal the distance of two nights exactly."""
    return {
        "first_run_needs_approval": rng.random() < 0.5,
        "max_category_share": rng.choice((0.1, 0.2, 0.25, 0.5)) if limited else 1.0,
        "limit_min_rows": rng.choice((5, 20, 60)) if limited else 1000,
        "max_bad_time_share": 1.0,
        "hold_release_grace": rng.choice(("3 days", "7 days", "30 days")),
        "policy_shorten_delay": rng.choice(("2 days", "7 days", "10 days")),
        "max_clock_step": "8 days" if lagging else rng.choice(("8 days", "400 days")),
    }


def shorten_a_window(rng, config, cast):
    for entry in config["retention"]["category"].values():
        if "window" in entry and rng.random() < 0.6:
            entry["window"] = rng.choice(("1 day", "7 days"))


def lengthen_a_window(rng, config, cast):
    for entry in config["retention"]["category"].values():
        if "window" in entry and rng.random() < 0.4:
            entry["window"] = "2 years"


def drop_floors(rng, config, cast):
    for entry in config["retention"]["category"].values():
        if "window" in entry:
            entry.pop("at_least", None)
    for code in list(config["retention"]["code"]):
        if rng.random() < 0.7:
            del config["retention"]["code"][code]


def drop_presets(rng, config, cast):
    config["retention"]["presets"] = []


def drop_a_tenant(rng, config, cast):
    tenants = config["retention"]["tenant"]
    if tenants:
        del tenants[rng.choice(sorted(tenants))]


def give_every_category_a_policy(rng, config, cast):
    for slug in cast.categories:
        config["retention"]["category"].setdefault(slug, {"basis": "new"}).setdefault("window", "30 days")


def drop_a_category(rng, config, cast):
    categories = config["retention"]["category"]
    if categories:
        del categories[rng.choice(sorted(categories))]


def add_an_alias(rng, config, cast):
    config["catalogue"].setdefault("aliases", {})[cast.unknown_codes[0]] = rng.choice(cast.codes)


def add_and_move_codes(rng, config, cast):
    """Needs `cast.extension`, which the caller has copied. One code stays, so that no category loses its last."""
    stays = next((code for code, slug in cast.extension.items() if slug == NEW_CATEGORY), None)
    for code in cast.extension:
        if code != stays:
            cast.extension[code] = rng.choice(cast.categories)
    cast.extension[cast.unknown_codes[1]] = rng.choice(cast.categories)


def map_another_subject(rng, config, cast):
    if config["events"].get("subject") == "whom":
        config["events"]["subject"] = "whom_else"


def loosen_safety(rng, config, cast):
    config["safety"] |= {"max_category_share": 1.0, "hold_release_grace": "1 day"}


EDITS = (
    loosen_safety,
    shorten_a_window,
    lengthen_a_window,
    drop_floors,
    drop_presets,
    drop_a_tenant,
    give_every_category_a_policy,
    drop_a_category,
    add_an_alias,
    add_and_move_codes,
    map_another_subject,
    add_and_move_codes,
    add_and_move_codes,
)


def edited(rng, config, cast):
    """A changed config and cast: one to three edits of the ones given, which stay as they are."""
    config, cast = copy.deepcopy(config), copy.deepcopy(cast)
    for edit in rng.sample(EDITS, rng.randint(1, 3)):
        edit(rng, config, cast)
    without_capped_presets(config["retention"], cast.extension)
    return config, cast
