# Completions of msgfs for fish.
function __msgfs_completions
    set -l words (commandline -opc) (string unescape -- (commandline -ct))
    msgfs completions -- $words[2..-1] 2>/dev/null
end
complete -c msgfs -f -k -a '(__msgfs_completions)'
