//! The scripts that make shells ask `agent __complete`.
//!
//! Each asks the very program that is being called. What the shell would do to a word when it runs the line (a tilde, quotes) is done to it
//! before, as far as that needs no evaluation: pressing Tab must run nothing but the agent. Names of files are the shell's own business.

use clap::{Arg, ValueHint};

use super::clap_command;
use crate::options::Shell;

/// Returns the script for a shell.
pub(crate) fn script(shell: Shell) -> String {
    match shell {
        Shell::Bash => BASH.to_owned(),
        Shell::Zsh => ZSH.to_owned(),
        Shell::Fish => FISH.to_owned() + &files(),
    }
}

/// Returns whether the value of an option is the name of a file.
pub(super) fn is_file(arg: &Arg) -> bool {
    arg.get_value_hint() == ValueHint::FilePath
}

/// fish wants to be told beforehand of which options the value is the name of a file.
fn files() -> String {
    let tree = clap_command();
    let globals = tree.get_arguments().map(|arg| (None, arg));
    let own = tree.get_subcommands().flat_map(|command| {
        let name = Some(command.get_name());
        command.get_arguments().map(move |arg| (name, arg))
    });
    let lines = globals.chain(own).filter(|(_, arg)| is_file(arg));
    lines.map(|(command, arg)| file(command, arg)).collect()
}

fn file(command: Option<&str>, arg: &Arg) -> String {
    let condition = command.map_or_else(String::new, |command| {
        format!(" -n '__fish_seen_subcommand_from {command}'")
    });
    let long = arg.get_long().unwrap_or_default();
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let help = help.replace('\\', "\\\\").replace('\'', "\\'");
    format!("complete -c agent{condition} -l {long} -rF -d '{help}'\n")
}

const BASH: &str = r#"_agent() {
    local agent line word
    local -a words=()
    COMPREPLY=()
    for word in "${COMP_WORDS[@]}"; do
        case $word in
            '~/'*) word=$HOME/${word:2} ;;
            \'*\' | \"*\") word=${word:1:${#word}-2} ;;
        esac
        word=${word//\\ / }
        words+=("$word")
    done
    agent=$(type -P -- "${words[0]}") || agent=agent
    while IFS= read -r line; do
        if [[ $line == $'\tfile' ]]; then
            compopt -o default
            return 0
        fi
        printf -v word %q "${line%%$'\t'*}"
        [[ -n $line ]] && COMPREPLY+=("$word")
    done < <("$agent" __complete "$COMP_CWORD" -- "${words[@]}" 2>/dev/null)
    return 0
}
complete -F _agent agent
"#;

/// As a file `_agent` in `fpath` it is the function's body; sourced, it registers the function.
const ZSH: &str = r#"#compdef agent
_agent() {
    local agent line value
    local -a asked found
    asked=("${(@Q)words}")
    asked=("${(@)asked/#\~\//$HOME/}")
    agent=$asked[1]
    whence -p -- $agent >/dev/null || agent=agent
    while IFS= read -r line; do
        if [[ $line == $'\tfile' ]]; then
            [[ $PREFIX == -*=* ]] && compset -P '*='
            _files
            return
        fi
        [[ -n $line ]] || continue
        value=${${line%%$'\t'*}//:/\\:}
        if [[ $line == *$'\t'* ]]; then
            found+=("$value:${line#*$'\t'}")
        else
            found+=("$value")
        fi
    done < <($agent __complete $((CURRENT - 1)) -- "${asked[@]}" 2>/dev/null)
    (( ${#found} )) && _describe 'agent' found
}
if [[ $funcstack[1] == _agent ]]; then
    _agent "$@"
elif (( $+functions[compdef] )); then
    compdef _agent agent
else
    print -u2 'agent: no completion without compinit; put this before: autoload -Uz compinit && compinit'
fi
"#;

const FISH: &str = r#"function __agent_complete
    set -l words (string replace -r '^~/' "$HOME/" -- (commandline -opc))
    set -l agent agent
    command -sq -- $words[1]; and set agent $words[1]
    $agent __complete (count $words) -- $words (commandline -ct) 2>/dev/null
end
complete -c agent -f -a '(__agent_complete)'
"#;
