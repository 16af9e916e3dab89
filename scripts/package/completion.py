# SPDX-License-Identifier: Apache-2.0
"""The completion for bash, from the command tree. It needs nothing but bash."""

import shlex

# Options and arguments whose value is a file or a folder; each has to be in the tree.
FILES = ("--config", "--rows", "--out", "--against", "file")

TEMPLATE = r"""# SPDX-License-Identifier: Apache-2.0
# bash completion for holdfast; made from the program's --help, changes belong there.

_holdfast() {
  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} path= word
  local -A verbs=(
%(verbs)s
  )
  local -A options=(
%(options)s
  )
  local -A choices=(
%(choices)s
  )
  local valued=" %(valued)s " files=" %(files)s " takes_file=" %(takes_file)s "

  # The verb so far: words that lead on. Only the last verb takes options, so their values are no words
  # that could.
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ " ${verbs[${path:-holdfast}]-} " == *" $word "* ]]; then
      path=${path:+$path }$word
    fi
  done

  COMPREPLY=()
  if [[ $files == *" $before "* ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  elif [[ -n ${choices["$path $before"]-} ]]; then
    mapfile -t COMPREPLY < <(compgen -W "${choices["$path $before"]}" -- "$current")
  elif [[ $valued == *" $before "* ]]; then
    return 0
  elif [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "${options[${path:-holdfast}]-}" -- "$current")
  elif [[ -n ${verbs[${path:-holdfast}]-} ]]; then
    mapfile -t COMPREPLY < <(compgen -W "${verbs[${path:-holdfast}]}" -- "$current")
  elif [[ $takes_file == *" ${path// /.} "* ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}
complete -F _holdfast holdfast
"""


def table(rows):
    return "\n".join(f"    [{shlex.quote(key)}]={shlex.quote(' '.join(words))}"
                     for key, words in rows)


def bash_completion(program):
    """The text of the completion file."""
    verbs = list(program.walk())
    key = {verb.words: " ".join(verb.words) or "holdfast" for verb in verbs}
    entries = [entry for verb in verbs for entry in verb.options + verb.positionals]
    early = [verb.name for verb in verbs if verb.below and any(o.kind for o in verb.options)]
    if early:
        raise ValueError(f"completion.py passes no value of an option before a verb: {early}")
    missing = set(FILES) - {entry.name for entry in entries}
    if missing:
        raise ValueError(f"completion.py names {sorted(missing)}, which the program does not have")
    options = [(key[verb.words], [name for option in verb.options
                                  for name in option.name.split(",")]) for verb in verbs]
    choices = [(f"{' '.join(verb.words)} {option.name}", option.choices)
               for verb in verbs for option in verb.options if option.choices]
    valued = sorted({name for entry in entries if entry.kind and entry.name.startswith("-")
                     for name in entry.name.split(",")})
    takes_file = [".".join(verb.words) for verb in verbs
                  if any(positional.name in FILES for positional in verb.positionals)]
    return TEMPLATE % {
        "verbs": table((key[verb.words], [below.words[-1] for below in verb.below])
                       for verb in verbs if verb.below),
        "options": table(options),
        "choices": table(choices),
        "valued": " ".join(valued),
        "files": " ".join(name for name in FILES if name.startswith("-")),
        "takes_file": " ".join(takes_file),
    }
