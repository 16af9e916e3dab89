# SPDX-License-Identifier: Apache-2.0
"""The oracle's own catalogue (audit codes, slugs, aliases) and its own table of regulation presets."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
CATALOGUE_FILE = REPOSITORY / "policy" / "audit_codes.tsv"

SLUG_BY_NAME = {
    "Account": "account",
    "Sessions": "sessions",
    "Multi-factor authentication": "mfa",
    "WebAuthn / Passkeys": "webauthn",
    "Step-up authentication": "step-up",
    "SAML single sign-on": "saml",
    "SCIM provisioning": "scim",
    "Network policy": "network-policy",
    "Attestation policy": "attestation-policy",
    "Event webhooks": "webhooks",
    "Audit-log retention": "audit-retention",
    "Data erasure": "data-erasure",
}

# Name: (minimum, maximum), as the table of presets prints them.
PRESETS = {
    "pci-10.5.1": ("12 months", None),
    "cis-8.10": ("90 days", None),
    "fedramp-au-11": ("90 days", None),
    "nist-au-11": (None, None),
    "hipaa-docs": ("6 years", None),
    "sec-2-06": ("7 years", None),
    "sox-1520": ("5 years", None),
    "catalogue-override": ("10 years", None),
    "sec-17a-4-a": ("6 years", None),
    "finra-4511": ("6 years", None),
    "nydfs-500.6-fin": ("5 years", None),
    "nydfs-500.6-cyber": ("3 years", None),
    "eu-ai-act": ("6 months", None),
    "cnil-logs": ("6 months", "12 months"),
    "glba-314.4": (None, "2 years"),
    "ccpa-requests": ("24 months", None),
    "swiss-or-958f": ("10 years", None),
    "omb-m-21-31": ("30 months", None),
}


def read_catalogue_file(path):
    """Code to category slug. A category that is not one of the built-in names is its own slug."""
    codes = {}
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    for line in lines[1:]:
        category, code = line.split("\t")[:2]
        codes[code] = SLUG_BY_NAME.get(category, category)
    return codes


class Catalogue:
    """Which category a stored code belongs to."""

    def __init__(self, built_in=True, extension=None, aliases=None):
        self.category_by_code = read_catalogue_file(CATALOGUE_FILE) if built_in else {}
        self.category_by_code.update(extension or {})
        self.aliases = dict(aliases or {})
        self.slugs = set(SLUG_BY_NAME.values()) | set(self.category_by_code.values())

    def catalogue_code(self, stored_code):
        """The catalogue's code for what a row stores, or None where it is unknown."""
        if not isinstance(stored_code, (str, int)):
            return None
        text = str(stored_code)
        text = self.aliases.get(text, text)
        return text if text in self.category_by_code else None

    def names_of(self, code):
        """Every name that the code goes by, given one of them; just the given one where it is unknown."""
        known = self.catalogue_code(code)
        return {str(code)} if known is None else {known, *(a for a, c in self.aliases.items() if c == known)}

    def category(self, stored_code):
        code = self.catalogue_code(stored_code)
        return None if code is None else self.category_by_code[code]

    def stored_category_slug(self, text):
        """The slug of a category that a row carries itself, by slug or display name; None where it is unknown."""
        slug = SLUG_BY_NAME.get(text, text)
        return slug if slug in self.slugs else None
