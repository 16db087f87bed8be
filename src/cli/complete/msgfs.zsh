#compdef msgfs
# Completions of msgfs for zsh.
_msgfs() {
    local line typed=${(Q)PREFIX}
    local -a paths folders open described
    for line in "${(@f)$(_call_program msgfs msgfs completions -- "${(@qQ)words[2,CURRENT-1]}" "${(q)typed}")}"; do
        case $line in
            '') ;;
            *=$'\t'*) open+=(${line%%$'\t'*}) ;;
            *$'\t'*) described+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
            */) folders+=(${line%/}) ;;
            *) paths+=($line) ;;
        esac
    done
    # A tilde stays as it was typed.
    if [[ $typed == '~/'* ]]; then
        compset -P '\~/'
        folders=("${(@)folders#\~/}") paths=("${(@)paths#\~/}")
    fi
    local shown=("${(@)folders:t}")
    compadd -f -S / -q -d shown -a folders
    shown=("${(@)paths:t}")
    compadd -f -d shown -a paths
    compadd -S '' -a open
    _describe -V 'msgfs' described
}
if [[ $funcstack[1] == _msgfs ]]; then
    _msgfs "$@"
else
    compdef _msgfs msgfs
fi
