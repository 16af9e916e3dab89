# SPDX-License-Identifier: Apache-2.0
"""Man pages: holdfast(1) and one for each verb from the command tree, holdfast.toml(5) from the
commented configuration that the package installs."""

import re

# What every verb takes; explained once, in holdfast(1).
COMMON = ("-h,--help", "--config", "--json", "--verbose", "--as")

# What --help does not say, because it holds for the installed package only.
FILES = """
.SH ENVIRONMENT
.TP
.B HOLDFAST_CONFIG
The configuration, where \\fB\\-\\-config\\fR is not given.
.SH FILES
.TP
.I /etc/holdfast/holdfast.toml
The configuration of the packaged job, see
.BR holdfast.toml (5).
It comes without any retention window, so nothing is deleted until an administrator decides.
.TP
.I /var/lib/holdfast
State of the packaged job, of user and group holdfast: archives, reports, keys, the witness file,
and the database where nobody else has one.
.TP
.IR holdfast.service ", " holdfast.timer
The nightly run under systemd; not enabled by the installation:
.BR "systemctl enable \\-\\-now holdfast.timer" .
.TP
.I /usr/share/doc/holdfast/examples
A file for cron, and drop-ins for the service: a database elsewhere, another user, network, a notice
of failure.
"""


def escaped(text):
    """Plain text as roff: nothing in it is a request or an escape."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text


def header(title, section, date, version):
    return (f'.\\" SPDX-License-Identifier: Apache-2.0\n.\\" Made from the program\'s --help; '
            f'changes belong there.\n.TH {escaped(title).upper()} {section} {date} '
            f'"Holdfast {version}" "{"User Commands" if section == 1 else "File Formats"}"\n'
            ".nh\n.ad l\n")


def example(lines, first=""):
    """Lines as they stand; `first` is the request before them, needless right after a heading."""
    text = "\n".join(escaped(line) for line in lines).strip("\n")
    return f"{first}.nf\n.RS 2\n{text}\n.RE\n.fi\n" if text else ""


def entry_text(entry):
    names = ", ".join(f"\\fB{escaped(name)}\\fR" for name in entry.name.split(","))
    head = f"{names} \\fI{escaped(entry.value)}\\fR" if entry.value else names
    remarks = list(entry.notes)
    remarks += ["required"] if entry.required and entry.name.startswith("-") else []
    remarks += ["may be repeated"] if entry.repeats else []
    remark = f" ({escaped('; '.join(remarks))})" if remarks else ""
    return f".TP\n{head}\n{escaped(entry.text)}{remark}\n"


def synopsis(verb):
    words = [f"\\fB{escaped(verb.name)}\\fR"]
    required = [option for option in verb.options if option.required]
    words += [f"\\fB{escaped(o.name)}\\fR \\fI{escaped(o.value)}\\fR" for o in required]
    words += ["[\\fIoption\\fR ...]"]
    for positional in verb.positionals:
        name = f"\\fI{escaped(positional.name)}\\fR"
        words.append(name if positional.required else f"[{name}]")
    if verb.below:
        words.append("\\fIverb\\fR")
    return " ".join(words) + "\n"


def statuses(verb):
    pairs = re.findall(r"(\d+) (.+?)(?=\s{2,}\d|$)", "\n".join(verb.statuses), re.MULTILINE)
    if not pairs:
        raise ValueError(f"{verb.name}: no exit statuses in its help")
    return ".SH EXIT STATUS\n" + "".join(f".TP\n{code}\n{escaped(text)}\n" for code, text in pairs)


def page_name(verb):
    return "-".join(("holdfast", *verb.words[:1]))


def reference(verb):
    return f".BR {escaped(page_name(verb))} (1)"


def program_page(program, date, version):
    text = header("holdfast", 1, date, version)
    text += ".SH NAME\nholdfast \\- the nightly job that prunes an audit log\n"
    text += f".SH SYNOPSIS\n\\fBholdfast\\fR \\fIverb\\fR [\\fIoption\\fR ...]\n"
    text += f".SH DESCRIPTION\n{escaped(program.summary)}\n"
    text += ".SH VERBS\n"
    for verb in program.below:
        text += f".TP\n{reference(verb)}\n{escaped(verb.summary)}\n"
    any_verb = next(verb for verb in program.walk() if verb.words and not verb.below)
    text += ".SH OPTIONS\nOf every verb:\n"
    text += "".join(entry_text(o) for o in any_verb.options if o.name in COMMON)
    text += ".PP\nOf the program alone:\n"
    text += "".join(entry_text(o) for o in program.options if o.name not in COMMON)
    text += ".SH EXAMPLES\n" + example(program.examples)
    text += own_headings(program) + statuses(program) + FILES.lstrip()
    text += ".SH SEE ALSO\n.BR holdfast.toml (5),\n.BR systemd.timer (5),\n.BR crontab (5)\n"
    return text


def own_headings(verb):
    return "".join(f".SH {escaped(heading).upper()}\n{example(lines)}"
                   for heading, lines in verb.more.items())


def verb_body(verb):
    text = "".join(entry_text(p) for p in verb.positionals if p.text)
    own = [option for option in verb.options if option.name not in COMMON]
    text += "".join(entry_text(option) for option in own)
    return text


def verb_page(verb, date, version):
    text = header(page_name(verb), 1, date, version)
    text += f".SH NAME\n{escaped(page_name(verb))} \\- {escaped(verb.summary)}\n.SH SYNOPSIS\n"
    leaves = [leaf for leaf in verb.walk() if not leaf.below]
    text += ".br\n".join(synopsis(leaf) for leaf in leaves)
    text += f".SH DESCRIPTION\n{escaped(verb.summary[:1].upper() + verb.summary[1:])}.\n"
    text += "Options that every verb takes are in\n.BR holdfast (1).\n"
    if verb.below:
        text += example(verb.examples, ".PP\n")
        for leaf in leaves:
            text += f".SS {escaped(leaf.name)}\n{escaped(leaf.summary)}\n"
            text += verb_body(leaf) + example(leaf.examples, ".PP\n")
    else:
        body = verb_body(verb)
        text += f".SH OPTIONS\n{body}" if body else ""
        text += ".SH EXAMPLES\n" + example(verb.examples)
    text += "".join(own_headings(part) for part in verb.walk())
    text += statuses(leaves[0])
    text += ".SH SEE ALSO\n.BR holdfast (1),\n.BR holdfast.toml (5)\n"
    return text


KEY = re.compile(r'(?P<off># )?(?P<set>(?:[\w-]+|"\*") = .*?)(?:\s{2,}# (?P<why>.*))?')
SECTION = re.compile(r"(?P<off># )?(?P<name>\[[\w.-]+\])(?:\s+# (?P<why>.*))?")


def config_line(line, state):
    """One line of the configuration as roff; `state` says whether verbatim text is open."""
    more = re.fullmatch(r"(?:\s{8,}|#\s{8,})#? ?(.*)", line)
    if line.startswith("# [["):
        state["verbatim"] = True
        return ".PP\n.nf\n.RS 2\n" + escaped(line.removeprefix("# ")) + "\n"
    if state["verbatim"]:
        if line:
            return escaped(line.removeprefix("# ")) + "\n"
        state["verbatim"] = False
        return ".RE\n.fi\n"
    section, key = SECTION.fullmatch(line), KEY.fullmatch(line)
    if section:
        off = "Left out as the package comes. " if section["off"] else ""
        why = off + (section["why"] or "")
        return f".SS {escaped(section['name'])}\n" + (f"{escaped(why.strip())}\n" if why else "")
    if more and line:
        return escaped(more[1]) + "\n"
    if key:
        off = " (left out)" if key["off"] else ""
        return f".TP\n\\fB{escaped(key['set'])}\\fR{off}\n{escaped(key['why'] or '')}".rstrip() + "\n"
    if line.startswith("# "):
        start = "" if state["text"] else ".PP\n"
        start = ".br\n" if state["text"] == "indented" and line[2] != " " else start
        return start + escaped(line.removeprefix("# ")) + "\n"
    if line:
        raise ValueError(f"cannot read the line {line!r} of the configuration")
    return ""


def is_text(line):
    """What a line of comment that speaks for itself is: "plain", "indented", or ""."""
    if not line.startswith("# ") or KEY.fullmatch(line) or SECTION.fullmatch(line):
        return ""
    return "indented" if line[2] == " " else "plain"


def in_page_order(lines):
    """The lines, with comments that stand right above a section put right below its name."""
    ordered = []
    for line in lines:
        at = len(ordered)
        if SECTION.fullmatch(line):
            while at and is_text(ordered[at - 1]):
                at -= 1
        ordered.insert(at, line)
    return ordered


def config_page(config, date, version):
    text = header("holdfast.toml", 5, date, version)
    text += ".SH NAME\nholdfast.toml \\- configuration of holdfast\n.SH DESCRIPTION\n"
    state = {"verbatim": False, "text": "plain"}
    body = ""
    for line in in_page_order(config.splitlines()[1:]) + [""]:
        body += config_line(line, state)
        state["text"] = "plain" if SECTION.fullmatch(line) else is_text(line)
    text += body.replace(".SS ", ".SH SECTIONS\n.SS ", 1)
    text += ".SH SEE ALSO\n.BR holdfast (1)\n"
    return text


def all_pages(program, config, date, version):
    """File name and text of every page."""
    pages = {"holdfast.1": program_page(program, date, version),
             "holdfast.toml.5": config_page(config, date, version)}
    for verb in program.below:
        pages[f"{page_name(verb)}.1"] = verb_page(verb, date, version)
    return pages
