# Completions of msgfs for bash.
_msgfs() {
    local word words=() line prefix is_path=false IFS=$' \t\n'
    # Bash takes words apart at '=' and ':', such as --color=always. Here they are whole again.
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}" "$2"; do
        if ((${#words[@]})) && [[ $word == [=:]* || ${words[-1]} == *[=:] ]]; then
            words[-1]+=$word
        else
            words+=("$word")
        fi
    done
    prefix=${words[-1]%"$2"}
    # Without quotation marks, backslashes stand before blanks; read takes them away.
    [[ ${COMP_WORDS[COMP_CWORD]} == [\"\']* ]] || IFS= read words[-1] <<<"${words[-1]}"
    COMPREPLY=()
    while IFS= read -r line; do
        [[ $line == *$'\t'* ]] || is_path=true
        [[ $line == *[/=] || $line == *=$'\t'* ]] && compopt -o nospace
        # Bash itself puts a slash behind a folder.
        [[ $line != */ || ! -d $line ]] || line=${line%/}
        line=${line%%$'\t'*}
        COMPREPLY+=("${line#"$prefix"}")
    done < <(msgfs completions -- "${words[@]}" 2>/dev/null)
    # With this bash puts backslashes before the blanks of what it inserts.
    ! $is_path || compopt -o filenames
}
complete -o nosort -F _msgfs msgfs
