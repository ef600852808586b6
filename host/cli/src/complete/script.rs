//! The scripts that make shells ask `agent __complete`.

use crate::command::completions::Shell;

/// Returns the script for a shell.
pub(crate) fn script(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => BASH,
        Shell::Zsh => ZSH,
        Shell::Fish => FISH,
    }
}

const BASH: &str = r#"_agent() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        [[ -n $line ]] && COMPREPLY+=("${line%%$'\t'*}")
    done < <(agent __complete "$COMP_CWORD" -- "${COMP_WORDS[@]}" 2>/dev/null)
    [[ ${COMPREPLY[0]-} == */ ]] && compopt -o nospace
    return 0
}
complete -F _agent agent
"#;

const ZSH: &str = r#"#compdef agent
_agent() {
    local line value
    local -a found
    while IFS= read -r line; do
        [[ -n $line ]] || continue
        value=${${line%%$'\t'*}//:/\\:}
        if [[ $line == *$'\t'* ]]; then
            found+=("$value:${line#*$'\t'}")
        else
            found+=("$value")
        fi
    done < <(agent __complete $((CURRENT - 1)) -- "${words[@]}" 2>/dev/null)
    (( ${#found} )) && _describe 'agent' found
}
compdef _agent agent
"#;

const FISH: &str = r#"complete -c agent -f -a '(agent __complete (count (commandline -opc)) -- (commandline -opc) (commandline -ct) 2>/dev/null)'
"#;
