"""Turns the name of a shell into the script by which it completes `python -m bench` and `python -m analysis`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

# Each asks the program itself, `--complete WORD...`, and leaves all other uses of Python to what was there.
_BASH = r"""_forkbench() {
    COMPREPLY=()
    [ "${COMP_WORDS[1]}" = -m ] && [ "$COMP_CWORD" -ge 3 ] || return 0
    case "${COMP_WORDS[2]}" in bench | analysis) ;; *) return 0 ;; esac
    local IFS=$'\n'
    COMPREPLY=($("${COMP_WORDS[0]}" -m "${COMP_WORDS[2]}" --complete "${COMP_WORDS[@]:3:COMP_CWORD-2}" 2>/dev/null))
    case "${COMPREPLY[0]}" in *=) compopt -o nospace ;; esac
}
complete -o default -F _forkbench python python3
"""
_ZSH = r"""_forkbench() {
    if [[ ${words[2]} == -m && ${words[3]} == (bench|analysis) && $CURRENT -gt 3 ]]; then
        local -a found
        found=("${(@f)$(${words[1]} -m ${words[3]} --complete "${(@)words[4,CURRENT]}" 2>/dev/null)}")
        [[ -n $found[1] ]] && compadd -a found || _files
    else
        _files
    fi
}
compdef _forkbench python python3
"""
_FISH = r"""function __forkbench
    set -l words (commandline -opc)
    test (count $words) -ge 3; and test "$words[2]" = -m; and contains -- "$words[3]" bench analysis; or return
    set -l program $words[1] -m $words[3]
    set -e words[1..3]
    command $program --complete $words (commandline -ct) 2>/dev/null
end
complete -c python -a '(__forkbench)'
complete -c python3 -a '(__forkbench)'
"""
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def add_options(parser: ArgumentParser) -> None:
    """Add the options of `bench completion`."""
    parser.description = 'For the file that your shell reads at its start: eval "$(python -m bench completion bash)"'
    parser.add_argument("shell", choices=tuple(SCRIPTS), metavar="SHELL", help="bash, zsh or fish")


def act(arguments: Namespace) -> int:
    """Print the script of a shell."""
    print(SCRIPTS[arguments.shell], end="")
    return 0
